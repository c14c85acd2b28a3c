//! Searches of the mock: pages, ranges, filters, constructed attributes.

use std::collections::BTreeSet;

use crate::client::{Client, bytes, text};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::RawControl;
use ldap3::{Scope, SearchEntry};
use testkit::mock_ad::MockAd;
use testkit::organisation::{ObjectClass, Organisation, special};

async fn mock(size: u64) -> MockAd {
    MockAd::builder().organisation(Organisation::new(2, size)).start().await.unwrap()
}

async fn paged(client: &mut Client, base: &str, filter: &str, size: i32) -> (Vec<SearchEntry>, ldap3::LdapResult) {
    let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(size))];
    let names = vec!["sAMAccountName", "objectGUID", "member"];
    let mut stream = client.ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, names).await.unwrap();
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await.unwrap() {
        rows.push(SearchEntry::construct(row));
    }
    (rows, stream.finish().await)
}

#[tokio::test]
async fn pages_give_every_account_once_and_no_page_is_longer_than_a_thousand() {
    let mock = mock(3_300).await;
    let mut client = Client::bound(&mock).await;
    let expected: BTreeSet<String> = mock
        .organisation()
        .accounts()
        .filter(|account| account.sam_account_type() == 0x3000_0000)
        .map(|account| account.name)
        .collect();
    for size in [1, 499, 1000, 5000] {
        if size == 1 {
            // A page per account is slow; a narrower search shows the same.
            let (rows, result) = paged(&mut client, &mock.base(), "(adminCount=1)", 1).await;
            assert!(result.rc == 0 && rows.len() > 20);
            continue;
        }
        let (rows, result) = paged(&mut client, &mock.base(), "(sAMAccountType=805306368)", size).await;
        assert_eq!(result.rc, 0);
        assert_eq!(rows.len(), expected.len());
        assert_eq!(rows.iter().map(|row| text(row, "sAMAccountName")).collect::<BTreeSet<_>>(), expected);
    }
    // A search of the whole domain refers to the other naming contexts, unless told not to.
    let found = client.ldap.search(&mock.base(), Scope::Subtree, "(adminCount=1)", ["cn"]).await.unwrap();
    assert_eq!(found.1.refs.len(), 3, "{:?}", found.1);
    let alone = RawControl { ctype: "1.2.840.113556.1.4.1339".into(), crit: true, val: None };
    let handle = client.ldap.with_controls(alone);
    let found = handle.search(&mock.base(), Scope::Subtree, "(adminCount=1)", ["cn"]).await.unwrap();
    assert!(found.1.refs.is_empty());
    let whole = client.ldap.search(&mock.base(), Scope::Subtree, "(sAMAccountType=805306368)", ["cn"]).await.unwrap();
    assert_eq!((whole.0.len(), whole.1.rc), (1000, 4), "without pages the size limit shows");
}

#[tokio::test]
async fn a_cookie_is_good_on_its_own_connection_only() {
    let mock = mock(300).await;
    let (mut one, mut two) = (Client::bound(&mock).await, Client::bound(&mock).await);
    let page = |cookie: Vec<u8>| ldap3::controls::PagedResults { size: 50, cookie };
    let ask = async |client: &mut Client, cookie: Vec<u8>| {
        let handle = client.ldap.with_controls(page(cookie));
        let found = handle.search(&mock.base(), Scope::Subtree, "(sAMAccountType=805306368)", ["cn"]).await.unwrap();
        let cookie = found.1.ctrls.iter().map(|control| &control.1).find_map(|raw| raw.val.clone()).map(|value| {
            use ldap3::controls::ControlParser;
            ldap3::controls::PagedResults::parse(&value).cookie
        });
        (found.1.rc, found.0.len(), cookie.unwrap_or_default())
    };
    let (rc, rows, cookie) = ask(&mut one, Vec::new()).await;
    assert_eq!((rc, rows), (0, 50));
    assert!(!cookie.is_empty());
    assert_eq!(ask(&mut two, cookie.clone()).await.0, 12, "another connection");
    assert_eq!(ask(&mut one, cookie.clone()).await.0, 0);
    assert_eq!(ask(&mut one, cookie).await.0, 12, "used already");
}

#[tokio::test]
async fn a_long_member_list_comes_in_ranges() {
    let mock = mock(4_400).await;
    let mut client = Client::bound(&mock).await;
    let organisation = mock.organisation().clone();
    let person = mock.organisation().account(special::ORDINARY).guid;
    let staff = organisation.group_named("Dept-Sales").unwrap().clone();
    for account in organisation.accounts().filter(|account| account.class == ObjectClass::User).take(3_500) {
        mock.change(&account.guid, |account| {
            if !account.member_of.contains(&staff.index) {
                account.member_of.push(staff.index);
            }
        })
        .unwrap();
    }
    let dn = staff.dn(&mock.base());
    let (mut seen, mut ask) = (BTreeSet::new(), "member".to_owned());
    let mut chunks = Vec::new();
    loop {
        let entry = client.read(&dn, &[&ask]).await;
        let (name, values) = entry.attrs.into_iter().find(|(_, values)| !values.is_empty()).unwrap();
        chunks.push(name.clone());
        seen.extend(values);
        let end = name.rsplit_once('-').unwrap().1.to_owned();
        if end == "*" {
            break;
        }
        ask = format!("member;range={}-*", end.parse::<usize>().unwrap() + 1);
    }
    assert_eq!(&chunks[..2], ["member;range=0-1499", "member;range=1500-2999"]);
    assert!(chunks.len() == 3 && chunks[2].starts_with("member;range=3000-"));
    assert!(seen.len() >= 3_500, "{}", seen.len());
    let entry = client.read(&organisation.account(special::ORDINARY).dn(&mock.base()), &["memberOf"]).await;
    assert!(entry.attrs["memberOf"].contains(&dn), "both ways");
    assert!(mock.untouched(&person), "a change behind the run's back is no write of the run");
}

#[tokio::test]
async fn filters_are_evaluated_as_active_directory_does() {
    let mock = mock(600).await;
    let mut client = Client::bound(&mock).await;
    let organisation = mock.organisation().clone();
    let base = mock.base();
    let names = |indices: &[u64]| indices.iter().map(|i| organisation.account(*i).name).collect::<BTreeSet<_>>();
    let select = |keep: &dyn Fn(&testkit::organisation::SyntheticAccount) -> bool| {
        organisation
            .accounts()
            .filter(|account| keep(account))
            .map(|account| account.name)
            .collect::<BTreeSet<String>>()
    };
    let guid = organisation.account(special::CHINESE).guid;
    let escaped: String = guid.to_bytes_le().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let group = |name: &str| organisation.group_named(name).unwrap().dn(&base);
    let comma = ldap3::ldap_escape(organisation.account(special::COMMA).dn(&base)).into_owned();
    let cases: Vec<(String, BTreeSet<String>)> = vec![
        ("(sAMAccountName=JMUELLER)".into(), names(&[special::UMLAUT])),
        (format!("(objectGUID={escaped})"), names(&[special::CHINESE])),
        (format!("(objectSid={})", organisation.account(special::ADMINISTRATOR).sid), names(&[special::ADMINISTRATOR])),
        (format!("(distinguishedName={comma})"), names(&[special::COMMA])),
        (
            "(&(objectCategory=person)(userAccountControl:1.2.840.113556.1.4.803:=262144))".into(),
            select(&|a| a.uac & 0x4_0000 != 0),
        ),
        ("(userAccountControl:1.2.840.113556.1.4.804:=4196352)".into(), select(&|a| a.uac & 4_196_352 != 0)),
        ("(primaryGroupID=512)".into(), select(&|a| a.primary_group == 512)),
        (
            "(&(adminCount=1)(!(memberOf=*))(sAMAccountType=805306368))".into(),
            select(&|a| a.admin_count && a.member_of.is_empty()),
        ),
        ("(sIDHistory=*)".into(), select(&|a| !a.sid_history.is_empty())),
        (
            "(&(sAMAccountName=svc-*)(servicePrincipalName=*sql*))".into(),
            select(&|a| a.name.starts_with("svc-") && a.service_names.iter().any(|s| s.to_lowercase().contains("sql"))),
        ),
        (
            "(|(sAMAccountName=krbtgt)(msDS-SecondaryKrbTgtNumber=*))".into(),
            names(&[special::KRBTGT, special::KRBTGT_READ_ONLY]),
        ),
        ("(sAMAccountType=805306370)".into(), names(&[special::TRUST])),
        (
            "(objectClass=msDS-GroupManagedServiceAccount)".into(),
            select(&|a| a.class == ObjectClass::GroupManagedService),
        ),
        (
            "(&(sAMAccountType=805306368)(uSNChanged<=20010))".into(),
            (0..=10).filter(|i| *i != 5).map(|i| organisation.account(i).name).collect(),
        ),
        ("(!(noSuchAttribute=x))".into(), BTreeSet::new()),
        ("(msDS-UserPasswordExpiryTimeComputed=0)".into(), BTreeSet::new()),
    ];
    for (filter, expected) in cases {
        let found: BTreeSet<String> = client.names(&base, &filter).await.into_iter().collect();
        assert_eq!(found, expected, "{filter}");
    }
    // Transitive membership, both ways, by the rule that walks the chain.
    let chain = format!("(&(sAMAccountType=805306368)(memberOf:1.2.840.113556.1.4.1941:={}))", group("Domain Admins"));
    let found: BTreeSet<String> = client.names(&base, &chain).await.into_iter().collect();
    let below = ["Domain Admins", "Ops-Escalation", "Ops-Second-Line", "Ops-Night-Shift", "Infrastructure-Mail"];
    let below = below.map(|name| organisation.group_named(name).unwrap().index);
    assert_eq!(found, select(&|a| a.member_of.iter().any(|g| below.contains(g))));
    let nested = ldap3::ldap_escape(organisation.account(special::NESTED_THREE_DEEP).dn(&base)).into_owned();
    let found = client.names(&base, &format!("(member:1.2.840.113556.1.4.1941:={nested})")).await;
    assert!(found.contains(&"Administrators".to_owned()) && found.contains(&"Staff".to_owned()), "{found:?}");
}

#[tokio::test]
async fn names_that_are_not_here_are_told_apart() {
    let mock = mock(100).await;
    let mut client = Client::bound(&mock).await;
    let mut base = async |dn: &str| {
        let ldap3::SearchResult(_, result) =
            client.ldap.search(dn, Scope::Base, "(objectClass=*)", ["cn"]).await.unwrap();
        (result.rc, result.text.chars().take(8).collect::<String>())
    };
    let account = mock.organisation().account(special::COMMA);
    assert_eq!(base(&format!("<GUID={}>", account.guid)).await.0, 0);
    let hex: String = account.guid.to_bytes_le().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(base(&format!("<GUID={hex}>")).await.0, 0);
    assert_eq!(base(&format!("<SID={}>", account.sid)).await.0, 0);
    assert_eq!(
        base(&account.dn(&mock.base()).replace("\\,", "\\2C").to_uppercase()).await.0,
        0,
        "another way to write it"
    );
    assert_eq!(base(&format!("CN=nobody,{}", mock.base())).await, (32, "0000208D".into()));
    assert_eq!(base("<GUID=00000000-0000-4000-8000-000000000000>").await, (32, "0000208D".into()));
    assert_eq!(base("DC=other,DC=test").await, (10, "0000202B".into()));
    assert_eq!(base("nonsense").await.0, 34);
    mock.delete(&account.guid).unwrap();
    assert_eq!(base(&format!("<GUID={}>", account.guid)).await.0, 32);
}

#[tokio::test]
async fn units_and_levels_narrow_a_search() {
    let mock = mock(500).await;
    let mut client = Client::bound(&mock).await;
    let unit = format!("OU=Services,OU=Corp,{}", mock.base());
    let found: BTreeSet<String> = client.names(&unit, "(objectClass=user)").await.into_iter().collect();
    let expected = mock.organisation().accounts().filter(|account| account.unit == "OU=Services,OU=Corp");
    assert_eq!(found, expected.map(|account| account.name).collect());
    let one = async |client: &mut Client, base: &str| {
        client
            .ldap
            .search(base, Scope::OneLevel, "(objectClass=user)", ["cn"])
            .await
            .unwrap()
            .success()
            .unwrap()
            .0
            .len()
    };
    assert_eq!(one(&mut client, &unit).await, found.len());
    assert_eq!(one(&mut client, &format!("OU=Corp,{}", mock.base())).await, 0);
}

#[tokio::test]
async fn constructed_attributes_come_when_named_and_only_then() {
    let mock = mock(200).await;
    let mut client = Client::bound(&mock).await;
    let organisation = mock.organisation().clone();
    let dn = |index| organisation.account(index).dn(&mock.base());
    // A search of the whole domain refers to the other naming contexts, unless told not to.
    let found = client.ldap.search(&mock.base(), Scope::Subtree, "(adminCount=1)", ["cn"]).await.unwrap();
    assert_eq!(found.1.refs.len(), 3, "{:?}", found.1);
    let alone = RawControl { ctype: "1.2.840.113556.1.4.1339".into(), crit: true, val: None };
    let handle = client.ldap.with_controls(alone);
    let found = handle.search(&mock.base(), Scope::Subtree, "(adminCount=1)", ["cn"]).await.unwrap();
    assert!(found.1.refs.is_empty());
    let whole = client.read(&dn(special::CANNOT_CHANGE), &["*"]).await;
    for name in ["tokenGroups", "nTSecurityDescriptor", "unicodePwd", "msDS-ResultantPSO", "replPropertyMetaData"] {
        assert!(!whole.attrs.contains_key(name) && !whole.bin_attrs.contains_key(name), "{name}");
    }
    assert_eq!(bytes(&whole, "objectGUID"), organisation.account(special::CANNOT_CHANGE).guid.to_bytes_le());

    let entry = client.read(&dn(special::DISTRIBUTION), &["tokenGroups"]).await;
    let groups = entry.bin_attrs["tokenGroups"].len() + entry.attrs.get("tokenGroups").map_or(0, Vec::len);
    let admins = entry.bin_attrs["tokenGroups"].iter().any(|sid| sid.ends_with(&512u32.to_le_bytes()));
    assert!(groups >= 4 && !admins, "a distribution list gives no token");
    let entry = client.read(&dn(special::NESTED_THREE_DEEP), &["tokenGroups"]).await;
    assert!(entry.bin_attrs["tokenGroups"].iter().any(|sid| sid.ends_with(&512u32.to_le_bytes())));

    let entry = client.read(&dn(special::CANNOT_CHANGE), &["nTSecurityDescriptor"]).await;
    assert!(bytes(&entry, "nTSecurityDescriptor").is_empty(), "not without the control");
    let flags = || RawControl { ctype: "1.2.840.113556.1.4.801".into(), crit: true, val: Some(vec![0x30, 3, 2, 1, 7]) };
    for (index, kind) in [(special::CANNOT_CHANGE, 0x06), (special::ORDINARY, 0x05)] {
        let handle = client.ldap.with_controls(flags());
        let found = handle.search(&dn(index), Scope::Base, "(objectClass=*)", ["nTSecurityDescriptor"]).await.unwrap();
        let descriptor = bytes(&SearchEntry::construct(found.0.into_iter().next().unwrap()), "nTSecurityDescriptor");
        let dacl = u32::from_le_bytes(descriptor[16..20].try_into().unwrap()) as usize;
        assert_eq!(descriptor[dacl + 8], kind, "the first entry denies, or allows");
    }
}

#[tokio::test]
async fn replication_metadata_tell_how_often_and_when_a_password_was_set() {
    let mock = mock(100).await;
    let mut client = Client::bound(&mock).await;
    let account = mock.organisation().account(special::ORDINARY);
    let dn = account.dn(&mock.base());
    for round in 0..3u32 {
        let entry = client.read(&dn, &["replPropertyMetaData", "msDS-ReplAttributeMetaData", "pwdLastSet"]).await;
        let raw = bytes(&entry, "replPropertyMetaData");
        let word = |at: usize| u32::from_le_bytes(raw[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(4), word(12)), (1, 0, 0));
        assert_eq!(raw.len(), 16 + 48 * word(8) as usize);
        let at = (0..word(8) as usize).map(|n| 16 + 48 * n).find(|at| word(*at) == 0x9005A).unwrap();
        assert_eq!(word(at + 4), account.password_version + round);
        let seconds = i64::from_le_bytes(raw[at + 8..at + 16].try_into().unwrap());
        let set: i64 = text(&entry, "pwdLastSet").parse().unwrap();
        assert_eq!(seconds, set / 10_000_000);
        let xml = entry.attrs["msDS-ReplAttributeMetaData"].iter().find(|xml| xml.contains(">unicodePwd<")).unwrap();
        assert!(xml.contains(&format!("<dwVersion>{}</dwVersion>", account.password_version + round)));
        crate::client::set_password(&mut client.ldap, &dn, &format!("Correct7horse-{round}!")).await;
    }
}

#[tokio::test]
async fn the_primary_controller_and_the_policies_can_be_found() {
    let mock = mock(100).await;
    let mut client = Client::bound(&mock).await;
    let head = client.read(&mock.base(), &["fSMORoleOwner", "minPwdLength", "pwdProperties", "maxPwdAge"]).await;
    assert_eq!((text(&head, "minPwdLength"), text(&head, "pwdProperties")), ("12".into(), "1".into()));
    let owner = text(&head, "fSMORoleOwner");
    let server = client.read(owner.split_once(',').unwrap().1, &["dNSHostName"]).await;
    assert_eq!(text(&server, "dNSHostName"), "dc1.corp.example.test");
    let base = mock.base();
    let found = client.ldap.search(
        &base,
        Scope::Subtree,
        "(objectClass=msDS-PasswordSettings)",
        ["*", "msDS-MinimumPasswordLength"],
    );
    let (rows, _) = found.await.unwrap().success().unwrap();
    let policy = SearchEntry::construct(rows.into_iter().next().unwrap());
    assert_eq!(text(&policy, "msDS-MinimumPasswordLength"), "20");
    let policy = client.read(&policy.dn, &["*"]).await;
    assert_eq!(text(&policy, "msDS-PasswordComplexityEnabled"), "TRUE", "everything is everything");
}

#[tokio::test]
async fn names_can_be_extended_by_guid_and_sid() {
    let mock = mock(100).await;
    let mut client = Client::bound(&mock).await;
    let account = mock.organisation().account(special::DNS_ADMIN);
    let group = mock.organisation().group_named("DnsAdmins").unwrap().dn(&mock.base());
    let control = RawControl { ctype: "1.2.840.113556.1.4.529".into(), crit: true, val: Some(vec![0x30, 3, 2, 1, 1]) };
    let handle = client.ldap.with_controls(control);
    let found = handle.search(&group, Scope::Base, "(objectClass=*)", ["member"]).await.unwrap();
    let entry = SearchEntry::construct(found.0.into_iter().next().unwrap());
    let expected = format!("<GUID={}>;<SID={}>;{}", account.guid, account.sid, account.dn(&mock.base()));
    assert_eq!(entry.attrs["member"], [expected]);
    assert!(entry.dn.starts_with("<GUID=") && entry.dn.ends_with(&group), "{}", entry.dn);
}
