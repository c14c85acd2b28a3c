//! The attributes that the mock knows, how they are compared, and which must be asked for by name.

/// How values of an attribute are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Text without regard to case; Booleans and times compare the same way.
    Text,
    /// A signed number.
    Integer,
    /// Bytes.
    Bytes,
    /// A distinguished name.
    Name,
}

macro_rules! attributes {
    ($($variant:ident $name:literal $syntax:ident $constructed:literal;)*) => {
        /// An attribute type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Attribute { $($variant,)* }

        impl Attribute {
            /// Every attribute.
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The attribute of a name, in whatever case.
            pub(super) fn named(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($name) { return Some(Self::$variant); })*
                None
            }

            /// The name as the schema spells it.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(super) fn syntax(self) -> Syntax {
                match self { $(Self::$variant => Syntax::$syntax,)* }
            }

            /// Computed, operational or hidden: given only when named, and not usable in filters
            /// (MS-ADTS 3.1.1.4.5).
            pub(super) fn constructed(self) -> bool {
                match self { $(Self::$variant => $constructed,)* }
            }
        }
    };
}

attributes! {
    ActedForBy "msDS-AllowedToActOnBehalfOfOtherIdentity" Bytes false;
    AccountExpires "accountExpires" Integer false;
    AdminCount "adminCount" Integer false;
    BadPwdCount "badPwdCount" Integer false;
    Cn "cn" Text false;
    DelegatesTo "msDS-AllowedToDelegateTo" Text false;
    Department "department" Text false;
    DisplayName "displayName" Text false;
    DistinguishedName "distinguishedName" Name false;
    EmployeeId "employeeID" Text false;
    EmployeeNumber "employeeNumber" Text false;
    ExpiryComputed "msDS-UserPasswordExpiryTimeComputed" Integer true;
    GivenName "givenName" Text false;
    GroupType "groupType" Integer false;
    IsCriticalSystemObject "isCriticalSystemObject" Text false;
    LastLogonTimestamp "lastLogonTimestamp" Integer false;
    LockoutTime "lockoutTime" Integer false;
    Mail "mail" Text false;
    ManagedPasswordInterval "msDS-ManagedPasswordInterval" Integer false;
    Manager "manager" Name false;
    Member "member" Name false;
    MemberOf "memberOf" Name false;
    Name "name" Text false;
    NtSecurityDescriptor "nTSecurityDescriptor" Bytes true;
    ObjectCategory "objectCategory" Name false;
    ObjectClass "objectClass" Text false;
    ObjectGuid "objectGUID" Bytes false;
    ObjectSid "objectSid" Bytes false;
    PrimaryGroupId "primaryGroupID" Integer false;
    PwdLastSet "pwdLastSet" Integer false;
    ReadBy "msDS-GroupMSAMembership" Bytes false;
    RecipientType "msExchRecipientTypeDetails" Integer false;
    ReplAttributeMetaData "msDS-ReplAttributeMetaData" Text true;
    ReplPropertyMetaData "replPropertyMetaData" Bytes true;
    ResultantPso "msDS-ResultantPSO" Name true;
    SamAccountName "sAMAccountName" Text false;
    SamAccountType "sAMAccountType" Integer false;
    SecondaryKrbTgtNumber "msDS-SecondaryKrbTgtNumber" Integer false;
    ServicePrincipalName "servicePrincipalName" Text false;
    SidHistory "sIDHistory" Bytes false;
    Surname "sn" Text false;
    SystemFlags "systemFlags" Integer false;
    TokenGroups "tokenGroups" Bytes true;
    UnicodePwd "unicodePwd" Bytes true;
    UserAccountControl "userAccountControl" Integer false;
    UserAccountControlComputed "msDS-User-Account-Control-Computed" Integer true;
    UserPrincipalName "userPrincipalName" Text false;
    UsnChanged "uSNChanged" Integer false;
    UsnCreated "uSNCreated" Integer false;
    WhenChanged "whenChanged" Text false;
    WhenCreated "whenCreated" Text false;
}
