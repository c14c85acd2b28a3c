//! The mock of Active Directory, driven with an ordinary LDAP client.

use std::collections::HashSet;

use crate::client::{Client, change_password, set_password, text};
use ldap3::{Mod, Scope, SearchEntry};
use testkit::mock_ad::{DomainPolicy, MockAd};
use testkit::organisation::{Organisation, special};

const GOOD: &str = "Correct7horse-battery!";

async fn mock() -> MockAd {
    MockAd::builder().organisation(Organisation::new(1, 400)).start().await.unwrap()
}

#[tokio::test]
async fn binding_answers_with_the_data_codes_of_active_directory() {
    let mock = mock().await;
    let organisation = mock.organisation().clone();
    let base = mock.base();
    let bind = async |index: u64, password: &str| {
        let mut client = Client::open(&mock).await;
        let result = client.ldap.simple_bind(&organisation.account(index).dn(&base), password).await.unwrap();
        (result.rc, result.text)
    };
    let initial = |index| organisation.initial_password(index);
    for index in [special::COMMA, special::CHINESE, special::APOSTROPHE, special::LONGEST, special::SERVICE] {
        assert_eq!(bind(index, &initial(index)).await.0, 0, "{index}");
    }
    for (index, password, data) in [
        (special::ORDINARY, "wrong".to_owned(), "52e"),
        (special::DISABLED, initial(special::DISABLED), "533"),
        (special::DISABLED, "wrong".to_owned(), "52e"),
        (special::EXPIRED, initial(special::EXPIRED), "701"),
        (special::MUST_CHANGE, initial(special::MUST_CHANGE), "773"),
        (special::LOCKED, initial(special::LOCKED), "775"),
    ] {
        let (rc, text) = bind(index, &password).await;
        assert_eq!(rc, 49, "{index}");
        assert!(text.starts_with("80090308: LdapErr") && text.contains(&format!("data {data}, ")), "{text}");
        assert!(text.ends_with('\0'), "as Active Directory ends it");
    }
    let mut client = Client::open(&mock).await;
    let nobody = client.ldap.simple_bind(&format!("CN=nobody,{base}"), "x").await.unwrap();
    assert!(nobody.text.contains("data 525"));
    for name in ["CORP\\reset-runner", "reset-runner@corp.example.test", mock.bind_dn().to_lowercase().as_str()] {
        assert_eq!(client.ldap.simple_bind(name, &mock.bind_password()).await.unwrap().rc, 0, "{name}");
    }
    let (_, whoami) =
        client.ldap.extended(ldap3::exop::WhoAmI).await.unwrap().success().map(|r| ((), r.0.val)).unwrap();
    assert_eq!(whoami.as_deref(), Some(b"u:CORP\\reset-runner".as_slice()));
    assert!(mock.counts().failed_binds >= 7);
}

#[tokio::test]
async fn failed_sign_ins_lock_an_account_until_it_is_unlocked() {
    let policy = {
        let mut policy = DomainPolicy::default();
        policy.lockout_threshold = 3;
        policy
    };
    let mock = MockAd::builder().policy(policy).start().await.unwrap();
    let account = mock.organisation().account(special::ORDINARY);
    let (dn, password) = (account.dn(&mock.base()), mock.organisation().initial_password(special::ORDINARY));
    let mut client = Client::open(&mock).await;
    for _ in 0..3 {
        assert!(client.ldap.simple_bind(&dn, "wrong").await.unwrap().text.contains("data 52e"));
    }
    assert!(client.ldap.simple_bind(&dn, &password).await.unwrap().text.contains("data 775"));
    assert!(mock.observe(&account.guid).unwrap().0.locked);
    let mut admin = Client::bound(&mock).await;
    let unlock = vec![Mod::Replace("lockoutTime", HashSet::from(["0"]))];
    assert_eq!(admin.ldap.modify(&dn, unlock).await.unwrap().rc, 0);
    assert_eq!(client.ldap.simple_bind(&dn, &password).await.unwrap().rc, 0);
}

#[tokio::test]
async fn anonymous_may_read_the_root_dse_and_nothing_else() {
    let mock = mock().await;
    let mut client = Client::open(&mock).await;
    let (rows, result) =
        client.ldap.search("", Scope::Base, "(objectClass=*)", vec!["*"]).await.unwrap().success().unwrap();
    assert_eq!(result.rc, 0);
    let dse = SearchEntry::construct(rows.into_iter().next().unwrap());
    assert_eq!(dse.attrs["defaultNamingContext"], [mock.base()]);
    for name in ["currentTime", "dsServiceName", "dnsHostName", "highestCommittedUSN", "configurationNamingContext"] {
        assert_eq!(dse.attrs[name].len(), 1, "{name}");
    }
    assert!(dse.attrs["supportedControl"].iter().any(|oid| oid == "1.2.840.113556.1.4.2239"));
    let refused = client.ldap.search(&mock.base(), Scope::Subtree, "(cn=*)", vec!["cn"]).await.unwrap();
    assert_eq!(refused.1.rc, 1);
    assert!(refused.1.text.starts_with("000004DC"));
    let (rc, _) = set_password(&mut client.ldap, &mock.bind_dn(), GOOD).await;
    assert_eq!(rc, 1);
}

#[tokio::test]
async fn a_set_password_replaces_the_old_one_and_is_in_the_record() {
    let mock = mock().await;
    let account = mock.organisation().account(special::ORDINARY);
    let old = mock.organisation().initial_password(special::ORDINARY);
    let mut client = Client::bound(&mock).await;
    let before = mock.observe(&account.guid).unwrap().1;
    assert!(mock.untouched(&account.guid) && mock.password_matches(&account.guid, &old));
    for target in [format!("<GUID={}>", account.guid), account.dn(&mock.base())] {
        let fresh = format!("{GOOD}{}", target.len());
        assert_eq!(set_password(&mut client.ldap, &target, &fresh).await.0, 0, "{target}");
        assert!(mock.password_matches(&account.guid, &fresh));
    }
    assert!(!mock.password_matches(&account.guid, &old) && !mock.untouched(&account.guid));
    let sets = mock.sets(&account.guid);
    let version = before.version.unwrap();
    assert_eq!(sets.iter().map(|set| u64::from(set.version)).collect::<Vec<_>>(), [version + 1, version + 2]);
    assert_eq!(mock.record().len(), 2);
    let after = mock.observe(&account.guid).unwrap().1;
    assert!(after.last_set > before.last_set && after.version == Some(version + 2));
    let mut owner = Client::open(&mock).await;
    assert!(owner.ldap.simple_bind(&account.dn(&mock.base()), &old).await.unwrap().text.contains("data 52e"));
}

#[tokio::test]
async fn must_change_holds_in_the_same_request_and_does_nothing_where_passwords_never_expire() {
    let mock = mock().await;
    let base = mock.base();
    let mut client = Client::bound(&mock).await;
    for (index, rc) in [(special::ORDINARY, 49), (special::NEVER_EXPIRES, 0), (special::SMART_CARD, 0)] {
        let account = mock.organisation().account(index);
        let mods = vec![
            Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([crate::client::quoted(GOOD)])),
            Mod::Replace(b"pwdLastSet".to_vec(), HashSet::from([b"0".to_vec()])),
        ];
        assert_eq!(client.ldap.modify(&account.dn(&base), mods).await.unwrap().rc, 0);
        let mut owner = Client::open(&mock).await;
        let bind = owner.ldap.simple_bind(&account.dn(&base), GOOD).await.unwrap();
        assert_eq!(bind.rc, rc, "{index}");
        assert_eq!(mock.observe(&account.guid).unwrap().1.must_change, rc == 49);
        let entry = client.read(&account.dn(&base), &["msDS-User-Account-Control-Computed", "pwdLastSet"]).await;
        assert_eq!(text(&entry, "pwdLastSet"), "0");
        let computed: u32 = text(&entry, "msDS-User-Account-Control-Computed").parse().unwrap();
        assert_eq!(computed & 0x80_0000 != 0, rc == 49, "{index}");
    }
    let dn = mock.organisation().account(special::ORDINARY).dn(&base);
    let bad = client.ldap.modify(&dn, vec![Mod::Replace("pwdLastSet", HashSet::from(["12345"]))]).await.unwrap();
    assert_ne!(bad.rc, 0, "only 0 and -1 may be written");
    let again = client.ldap.modify(&dn, vec![Mod::Replace("pwdLastSet", HashSet::from(["-1"]))]).await.unwrap();
    assert_eq!(again.rc, 0);
    assert!(!mock.observe(&mock.organisation().account(special::ORDINARY).guid).unwrap().1.must_change);
}

#[tokio::test]
async fn weak_and_badly_formed_passwords_are_refused_with_the_right_codes() {
    let mock = mock().await;
    let base = mock.base();
    let mut client = Client::bound(&mock).await;
    let person = mock.organisation().account(special::UMLAUT);
    for weak in ["Short1!", "alllowercaseletters", "xxJMUELLERxx12A", "Xx9-müller-yyyy"] {
        let (rc, message) = set_password(&mut client.ldap, &person.dn(&base), weak).await;
        assert_eq!(rc, 53, "{weak}");
        assert!(message.starts_with("0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"));
        assert!(message.ends_with('\0'));
    }
    let unquoted: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for value in [unquoted, GOOD.as_bytes().to_vec(), format!("\"{GOOD}\"").into_bytes()] {
        let mods = vec![Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([value]))];
        let result = client.ldap.modify(&person.dn(&base), mods).await.unwrap();
        assert_eq!((result.rc, &result.text[..8]), (53, "0000001F"));
    }
    // The fine-grained policy asks for twenty characters.
    let nested = mock.organisation().account(special::NESTED_THREE_DEEP);
    assert_eq!(set_password(&mut client.ldap, &nested.dn(&base), "Nineteen-chars-19!x").await.0, 53);
    assert_eq!(set_password(&mut client.ldap, &nested.dn(&base), GOOD).await.0, 0);
    let entry = client.read(&nested.dn(&base), &["msDS-ResultantPSO"]).await;
    assert!(text(&entry, "msDS-ResultantPSO").starts_with("CN=Administrators-24,"));
    assert!(mock.untouched(&person.guid));
    assert_eq!(mock.record().len(), 1);
}

#[tokio::test]
async fn a_request_takes_effect_whole_or_not_at_all() {
    let mock = mock().await;
    let account = mock.organisation().account(special::ORDINARY);
    let mut client = Client::bound(&mock).await;
    let mods = vec![
        Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([crate::client::quoted(GOOD)])),
        Mod::Delete(b"userAccountControl".to_vec(), HashSet::from([b"514".to_vec()])),
        Mod::Add(b"userAccountControl".to_vec(), HashSet::from([b"512".to_vec()])),
    ];
    let result = client.ldap.modify(&account.dn(&mock.base()), mods).await.unwrap();
    assert_eq!(result.rc, 16, "somebody else had changed the flags");
    assert!(mock.untouched(&account.guid) && mock.record().is_empty());
    let disable = vec![
        Mod::Delete("userAccountControl", HashSet::from(["512"])),
        Mod::Add("userAccountControl", HashSet::from(["514"])),
    ];
    assert_eq!(client.ldap.modify(&account.dn(&mock.base()), disable).await.unwrap().rc, 0);
    assert!(!mock.observe(&account.guid).unwrap().0.enabled);
}

#[tokio::test]
async fn a_change_by_the_owner_needs_the_old_password_and_respects_the_history() {
    let mut policy = DomainPolicy::default();
    policy.min_age_days = 0;
    let mock = MockAd::builder().policy(policy).start().await.unwrap();
    let organisation = mock.organisation();
    let account = organisation.account(special::ORDINARY);
    let (dn, old) = (account.dn(&mock.base()), organisation.initial_password(special::ORDINARY));
    let mut owner = Client::open(&mock).await;
    owner.ldap.simple_bind(&dn, &old).await.unwrap().success().unwrap();
    let (rc, message) = change_password(&mut owner.ldap, &dn, "wrong", GOOD).await;
    assert_eq!((rc, &message[..8]), (19, "00000056"));
    assert_eq!(set_password(&mut owner.ldap, &dn, GOOD).await.0, 50, "a person may not set, only change");
    assert_eq!(change_password(&mut owner.ldap, &dn, &old, GOOD).await.0, 0);
    let (rc, message) = change_password(&mut owner.ldap, &dn, GOOD, &old).await;
    assert_eq!((rc, &message[..8]), (19, "0000052D"), "it was used before");
    assert!(message.contains("9005a (unicodePwd)"));
    assert!(!mock.sets(&account.guid)[0].by_administrator);
    // An administrator may set a former password, unless the control says that history counts.
    let mut admin = Client::bound(&mock).await;
    let hints = ldap3::controls::RawControl {
        ctype: "1.2.840.113556.1.4.2239".into(),
        crit: true,
        val: Some(vec![0x30, 3, 2, 1, 1]),
    };
    let mods = || vec![Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([crate::client::quoted(&old)]))];
    assert_eq!(admin.ldap.with_controls(hints).modify(&dn, mods()).await.unwrap().rc, 19);
    assert_eq!(admin.ldap.modify(&dn, mods()).await.unwrap().rc, 0);
    let cannot = organisation.account(special::CANNOT_CHANGE);
    let mut owner = Client::open(&mock).await;
    let password = organisation.initial_password(special::CANNOT_CHANGE);
    owner.ldap.simple_bind(&cannot.dn(&mock.base()), &password).await.unwrap().success().unwrap();
    assert_eq!(change_password(&mut owner.ldap, &cannot.dn(&mock.base()), &password, GOOD).await.0, 50);
}

#[tokio::test]
async fn a_delegate_is_refused_where_admin_sd_holder_protects_and_machines_are_their_own() {
    let mock = MockAd::builder().delegated().start().await.unwrap();
    let organisation = mock.organisation();
    let base = mock.base();
    let mut client = Client::bound(&mock).await;
    for index in [special::DOMAIN_ADMIN, special::NESTED_THREE_DEEP, special::STALE_ADMIN_COUNT] {
        let (rc, message) = set_password(&mut client.ldap, &organisation.account(index).dn(&base), GOOD).await;
        assert_eq!((rc, &message[..8]), (50, "00002098"), "{index}");
    }
    assert_eq!(set_password(&mut client.ldap, &organisation.account(special::ORDINARY).dn(&base), GOOD).await.0, 0);
    let admin = self::mock().await;
    let mut client = Client::bound(&admin).await;
    let target = |index| admin.organisation().account(index).dn(&base);
    for index in [special::TRUST, special::GROUP_MANAGED, special::DELEGATED_MANAGED] {
        assert_eq!(set_password(&mut client.ldap, &target(index), GOOD).await.0, 53, "{index}");
    }
    // krbtgt takes any password, and another one than the one given takes effect.
    let krbtgt = admin.organisation().account(special::KRBTGT).guid;
    assert_eq!(set_password(&mut client.ldap, &target(special::KRBTGT), "x").await.0, 0);
    assert!(!admin.password_matches(&krbtgt, "x"));
    assert_eq!(admin.sets(&krbtgt).len(), 1);
}

#[tokio::test]
async fn without_tls_passwords_are_refused_until_start_tls() {
    let mock = MockAd::builder().plain().start().await.unwrap();
    let dn = mock.organisation().account(special::ORDINARY).dn(&mock.base());
    let mut plain = Client::bound(&mock).await;
    let (rc, message) = set_password(&mut plain.ldap, &dn, GOOD).await;
    assert_eq!((rc, &message[..8]), (53, "0000001F"));
    let mut secure = Client::start_tls(&mock).await;
    secure.ldap.simple_bind(&mock.bind_dn(), &mock.bind_password()).await.unwrap().success().unwrap();
    assert_eq!(set_password(&mut secure.ldap, &dn, GOOD).await.0, 0);
}
