//! Answers, with Active Directory's codes and words.

/// What ends an operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) code: u32,
    pub(super) matched: String,
    pub(super) text: Vec<u8>,
    pub(super) referral: Option<String>,
    /// Object identifier of an extended response.
    pub(super) name: Option<String>,
    /// Value of an extended response.
    pub(super) value: Option<Vec<u8>>,
    /// The cookie of the paged-results control.
    pub(super) page_cookie: Option<Vec<u8>>,
}

impl Reply {
    pub(super) fn success() -> Self {
        Self::default()
    }

    /// A refusal; Active Directory's messages end in a zero byte.
    pub(super) fn refuse(code: u32, text: &str) -> Self {
        Self { code, text: format!("{text}\0").into_bytes(), ..Self::default() }
    }

    /// `data` as AcceptSecurityContext gives it: 52e, 533, …
    pub(super) fn bad_bind(data: &str) -> Self {
        let text =
            format!("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4f7c");
        Self::refuse(49, &text)
    }

    pub(super) fn not_bound() -> Self {
        Self::refuse(
            1,
            "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be \
             completed on the connection., data 0, v4f7c",
        )
    }

    pub(super) fn no_such_object(matched: &str) -> Self {
        let text = format!(
            "0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{matched}'\n"
        );
        Self { matched: matched.to_owned(), ..Self::refuse(32, &text) }
    }

    pub(super) fn referral(base: &str) -> Self {
        let text = "0000202B: RefErr: DSID-0310078D, data 0, 1 access points\n\tref 1: 'elsewhere.test'\n";
        Self { referral: Some(format!("ldap://elsewhere.test/{base}")), ..Self::refuse(10, text) }
    }

    pub(super) fn bad_name() -> Self {
        Self::refuse(
            34,
            "00002081: NameErr: DSID-03100225, problem 2003 (BAD_ATT_SYNTAX), data 0, best match of:\n\t''\n",
        )
    }

    /// A set password violates the policy, or a filter refused it.
    pub(super) fn weak_password() -> Self {
        Self::refuse(53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n")
    }

    /// A changed password violates the policy or the history.
    pub(super) fn weak_change() -> Self {
        Self::constraint("0000052D", "9005a (unicodePwd)")
    }

    pub(super) fn wrong_old_password() -> Self {
        Self::constraint("00000056", "9005a (unicodePwd)")
    }

    /// Not in quotes, not UTF-16, or not over an encrypted connection.
    pub(super) fn bad_password_form() -> Self {
        Self::refuse(53, "0000001F: SvcErr: DSID-031A126A, problem 5003 (WILL_NOT_PERFORM), data 0\n")
    }

    pub(super) fn illegal_modify() -> Self {
        Self::refuse(53, "00002077: SvcErr: DSID-03190F0A, problem 5003 (WILL_NOT_PERFORM), data 0\n")
    }

    pub(super) fn bad_value() -> Self {
        Self::refuse(80, "00000057: SysErr: DSID-031A1202, problem 22 (Invalid argument), data 0\n")
    }

    pub(super) fn forbidden() -> Self {
        Self::refuse(50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n")
    }

    pub(super) fn no_such_value(attribute: &str) -> Self {
        let text = format!(
            "00002085: AtrErr: DSID-03151F2A, #1:\n\t0: 00002085: DSID-03151F2A, problem 1001 (NO_ATTRIBUTE_OR_VAL), \
             data 0, Att {attribute}\n"
        );
        Self::refuse(16, &text)
    }

    pub(super) fn value_exists(attribute: &str) -> Self {
        let text = format!(
            "00002083: AtrErr: DSID-03151D2E, #1:\n\t0: 00002083: DSID-03151D2E, problem 1006 (ATT_OR_VALUE_EXISTS), \
             data 0, Att {attribute}\n"
        );
        Self::refuse(20, &text)
    }

    pub(super) fn busy() -> Self {
        Self::refuse(51, "000020EE: SvcErr: DSID-031A0FC0, problem 5001 (BUSY), data 0\n")
    }

    pub(super) fn unavailable() -> Self {
        Self::refuse(52, "00002095: LdapErr: DSID-0C090FBA, comment: The server is shutting down, data 0, v4f7c")
    }

    pub(super) fn size_limit() -> Self {
        Self::refuse(4, "")
    }

    pub(super) fn bad_control() -> Self {
        Self::refuse(12, "00000057: LdapErr: DSID-0C090AB1, comment: Error processing control, data 0, v4f7c")
    }

    pub(super) fn unknown_control() -> Self {
        Self::refuse(12, "00002040: SvcErr: DSID-031401E7, problem 5010 (UNAVAIL_EXTENSION), data 0\n")
    }

    pub(super) fn protocol_error(comment: &str) -> Self {
        Self::refuse(2, &format!("0000203D: LdapErr: DSID-0C090DC4, comment: {comment}, data 0, v4f7c"))
    }

    fn constraint(code: &str, attribute: &str) -> Self {
        let text = format!(
            "{code}: AtrErr: DSID-03190F80, #1:\n\t0: {code}: DSID-03190F80, problem 1005 (CONSTRAINT_ATT_TYPE), \
             data 0, Att {attribute}\n"
        );
        Self::refuse(19, &text)
    }
}
