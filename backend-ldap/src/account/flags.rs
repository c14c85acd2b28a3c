//! userAccountControl and its like (MS-ADTS 2.2.16; MS-SAMR 2.2.1.9 for sAMAccountType).

pub(crate) const DISABLED: i64 = 0x2;
pub(crate) const LOCKED: i64 = 0x10;
pub(crate) const PASSWORD_NOT_REQUIRED: i64 = 0x20;
pub(crate) const TRUST: i64 = 0x800;
pub(crate) const WORKSTATION: i64 = 0x1000;
pub(crate) const CONTROLLER: i64 = 0x2000;
pub(crate) const NEVER_EXPIRES: i64 = 0x1_0000;
pub(crate) const SMART_CARD_REQUIRED: i64 = 0x4_0000;

/// sAMAccountType of user objects.
pub(crate) const TYPE_USER: i64 = 0x3000_0000;
/// sAMAccountType of computers and managed service accounts.
pub(crate) const TYPE_MACHINE: i64 = 0x3000_0001;
/// sAMAccountType of trusts.
pub(crate) const TYPE_TRUST: i64 = 0x3000_0002;
