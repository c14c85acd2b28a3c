//! The users that are the same in every tenant: one for each case of the cloud worth a test.

use super::user::{CloudUser, DIRECTORY_SYNCHRONIZATION_ACCOUNTS, Sort};
use super::{Population, object_id};

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        $($(#[$doc])* pub const $name: u64 = $number;)*
    };
}

fixed! {
    /// A break-glass Global Administrator.
    BREAK_GLASS_1 = 0;
    /// Another break-glass Global Administrator.
    BREAK_GLASS_2 = 1;
    /// Entra Connect's own account, the holder of Directory Synchronization Accounts.
    SYNC = 2;
    /// `userType` is Guest, but the password is here.
    INTERNAL_GUEST = 3;
    /// A customer's local account.
    LOCAL_ACCOUNT = 4;
    /// The user object of an agent.
    AGENT = 5;
    /// A room mailbox, disabled.
    ROOM = 6;
    /// In a restricted-management administrative unit.
    RESTRICTED = 7;
    /// A guest who has not accepted yet.
    PENDING_GUEST = 8;
    /// Helpdesk Administrator.
    HELPDESK_ADMIN = 9;
    /// User Administrator.
    USER_ADMIN = 10;
    /// Privileged Authentication Administrator.
    PRIVILEGED_AUTHENTICATION_ADMIN = 11;
    /// Cloud-only in a federated domain.
    FEDERATED = 12;
    /// An apostrophe in the principal name.
    APOSTROPHE = 13;
    /// The password never expires.
    NEVER_EXPIRES = 14;
    /// Nothing out of the ordinary.
    ORDINARY = 15;
}

/// How many users are fixed.
pub const FIXED: u64 = 16;

pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

pub(in crate::mock_graph) fn user(population: &Population, number: u64) -> CloudUser {
    let (local, shown) = match number {
        BREAK_GLASS_1 => ("emergency-1", "Emergency access 1"),
        BREAK_GLASS_2 => ("emergency-2", "Emergency access 2"),
        SYNC => ("Sync_DC01_4f2a1c9b7e63", "On-Premises Directory Synchronization Service Account"),
        INTERNAL_GUEST => ("contractor", "Inside Contractor"),
        LOCAL_ACCOUNT => ("a0b1c2d3-0000-4000-8000-00000000c1c1", "Local Customer"),
        AGENT => ("agent-invoices", "Invoice Agent"),
        ROOM => ("room-adams", "Conf Room Adams"),
        RESTRICTED => ("board-assistant", "Board Assistant"),
        PENDING_GUEST => ("pending", "Pending Guest"),
        HELPDESK_ADMIN => ("helpdesk-admin", "Helpdesk Admin"),
        USER_ADMIN => ("user-admin", "User Admin"),
        PRIVILEGED_AUTHENTICATION_ADMIN => ("privileged-auth-admin", "Privileged Auth Admin"),
        FEDERATED => ("elsewhere", "Signs In Elsewhere"),
        APOSTROPHE => ("c'connor", "Cian C'Connor"),
        NEVER_EXPIRES => ("never-expires", "Never Expires"),
        _ => ("ordinary", "Ordinary Member"),
    };
    let at_initial = matches!(number, BREAK_GLASS_1 | BREAK_GLASS_2 | SYNC | LOCAL_ACCOUNT);
    let domain = match number {
        FEDERATED => population.federated_domain(),
        _ if at_initial => population.initial_domain(),
        _ => population.cloud_domain(),
    };
    let mut user = population.blank(number, object_id(population.seed(), number), format!("{local}@{domain}"));
    user.display_name = Some(shown.to_owned());
    match number {
        BREAK_GLASS_1 | BREAK_GLASS_2 => {
            user.roles.push(GLOBAL_ADMINISTRATOR);
            user.last_sign_in = None;
        }
        SYNC => user.roles.push(DIRECTORY_SYNCHRONIZATION_ACCOUNTS),
        INTERNAL_GUEST => user.sort = Sort::InternalGuest,
        LOCAL_ACCOUNT => user.sort = Sort::LocalAccount,
        AGENT => user.sort = Sort::Agent,
        ROOM => {
            user.sort = Sort::Mailbox;
            user.enabled = false;
            user.last_sign_in = None;
        }
        RESTRICTED => user.restricted = true,
        PENDING_GUEST => {
            user.sort = Sort::Guest(false);
            user.principal_name = format!("pending_partner.example.test#EXT#@{}", population.initial_domain());
            user.mail = Some("pending@partner.example.test".into());
            user.last_sign_in = None;
        }
        HELPDESK_ADMIN => user.roles.push("729827e3-9c14-49f7-bb1b-9608f156bbb8"),
        USER_ADMIN => user.roles.push("fe930be7-5e62-47db-91af-98c3a49a38b1"),
        PRIVILEGED_AUTHENTICATION_ADMIN => user.roles.push("7be44c8a-adaf-4e2a-84d6-ab2649e08a13"),
        FEDERATED => user.federated = true,
        NEVER_EXPIRES => user.password_policies = Some("DisablePasswordExpiration"),
        _ => {}
    }
    if user.mail.is_none() && !at_initial {
        user.mail = Some(user.principal_name.clone());
    }
    user
}
