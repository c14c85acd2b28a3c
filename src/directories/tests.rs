//! Faults of the file, and of directories of kind `ldap`.

use super::*;

fn parse(text: &str) -> Result<Directories> {
    Directories::parse(Path::new("directories.toml"), text)
}

const GOOD: &str = "[[directory]]\nid = \"corp\"\nkind = \"ldap\"\nurl = \"ldaps://dc1.example.test\"\n\
                    bind_dn = \"CN=reset\"\nprotected = [\"CN=breakglass\"]\n";

#[test]
fn a_file_is_read_and_its_protected_accounts_are_named() {
    let directories = parse(GOOD).unwrap();
    let protected: Vec<_> = directories.protected().map(|(id, account)| (id.as_str(), account)).collect();
    assert_eq!(protected, [("corp", "CN=breakglass")]);
}

#[test]
fn every_fault_names_the_file_the_place_and_the_key() {
    let cases = [
        ("", "names no [[directory]]"),
        ("x = 1\n", "line 1: unknown field `x`"),
        ("[[directory]\n", "line 1: "),
        ("\n[[directory]]\nkind = \"ldap\"\n", "at line 2: `id` is missing"),
        ("[[directory]]\nid = \"Corp\"\nkind = \"ldap\"\n", "`id`: the directory id \"Corp\" is not usable"),
        ("[[directory]]\nid = \"corp\"\nkind = \"nis\"\n", "(corp) `kind` \"nis\" is not one of this build: ldap"),
        (&format!("{GOOD}bind_pasword_file = \"x\"\n"), "unknown field `bind_pasword_file`, expected one of"),
        (&format!("{GOOD}bind_password = \"x\"\n"), "unknown field `bind_password`"),
        (&format!("{GOOD}bind_password_file = \"no/such\"\n"), "`bind_password_file` no/such: "),
        (&format!("{GOOD}ca_file = \"no-ca.pem\"\n"), "`ca_file` no-ca.pem: "),
        (&format!("{GOOD}writes_per_second = 0\n"), "(corp) invalid value: integer `0`"),
        (&format!("{GOOD}share = 0.5\n"), "`share` is a part of `writes_per_second`"),
        (
            &format!("{GOOD}bind_password_env = \"IDENTITY_RESET_NOT_SET\"\n"),
            "IDENTITY_RESET_NOT_SET, which is not set",
        ),
        (&format!("{GOOD}{GOOD}"), "id corp is used twice"),
        (&GOOD.replace("\"ldaps://dc1.example.test\"", "[]"), "`url` names no controller"),
        (&GOOD.replace("\"ldaps://dc1.example.test\"", "7"), "`url` must be a text or a list of texts"),
        (&GOOD.replace("bind_dn = \"CN=reset\"\n", ""), "missing field `bind_dn`"),
        (&format!("{GOOD}auth = \"ntlm\"\n"), "unknown variant `ntlm`"),
        (&format!("{GOOD}auth = \"kerberos\"\n"), "kerberos\" "),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.detail().starts_with("directories.toml: "), "{error}");
        assert!(error.detail().contains(expected), "{error} does not say {expected:?}");
    }
}

#[test]
fn several_controllers_of_a_domain_are_a_list() {
    let text =
        GOOD.replace("\"ldaps://dc1.example.test\"", "[\"ldaps://dc1.example.test\", \"ldaps://dc2.example.test\"]");
    let more = "discover = true\nreads_elsewhere = true\nfailover_after_seconds = 30\n";
    let directories = parse(&format!("{text}{more}")).unwrap();
    assert!(format!("{directories:?}").contains("dc2.example.test"));
}

/// A directory that is asked for its secret last fails before the first one is signed in to.
#[tokio::test]
async fn every_secret_is_at_hand_before_the_first_directory_is_signed_in_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("not blocking");
    let here = listener.local_addr().expect("an address");
    let first = GOOD.replace("dc1.example.test", &here.to_string());
    let second = GOOD.replace("\"corp\"", "\"other\"");
    let directories = parse(&format!("{first}{second}")).unwrap();
    let ask = |question: &str| match question.contains("in corp") {
        true => Ok("a password".into()),
        false => Err(std::io::Error::other("nobody is there")),
    };
    for error in [
        directories.connect_asking(&ask).await.unwrap_err(),
        directories.connect_each_asking(&ask).await.map(drop).unwrap_err(),
    ] {
        assert!(error.directory().is_some_and(|id| id.as_str() == "other"), "{error}");
        assert!(error.to_string().contains("nobody is there"), "{error}");
    }
    assert_eq!(listener.accept().map(drop).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody connected");
}

#[tokio::test]
async fn without_anybody_to_ask_a_missing_secret_is_an_error_that_names_the_keys() {
    let error = parse(GOOD).unwrap().connect().await.unwrap_err();
    assert!(error.to_string().contains("set `bind_password_file` or `bind_password_env`"), "{error}");
}
