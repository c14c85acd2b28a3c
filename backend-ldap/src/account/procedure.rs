//! What is done by hand with accounts whose password is not to be set by a mass run: the procedure of
//! each, in words.

use identity_core::account::AccountKind;

use super::kind::{has_class, is_named_as_sync, is_sync_service};
use crate::wire::entry::Entry;

const GROUP_MANAGED: &str = "msds-groupmanagedserviceaccount";
const DELEGATED_MANAGED: &str = "msds-delegatedmanagedserviceaccount";
const RID_CONTROLLERS: [i64; 2] = [516, 521];

/// The procedure for an account of this kind; `None` where there is nothing particular to say.
pub(super) fn procedure(entry: &Entry, kind: AccountKind) -> Option<&'static str> {
    let name = entry.text("samaccountname").unwrap_or_default();
    let named = |own: &str| name.eq_ignore_ascii_case(own);
    Some(match kind {
        AccountKind::KerberosTicketGranting if named("krbtgt_AzureAD") => {
            "the key of Microsoft Entra Kerberos: run Set-AzureADKerberosServer -RotateServerKey; writing this \
             object by LDAP breaks sign-in with security keys"
        }
        AccountKind::KerberosTicketGranting if entry.bytes("msds-secondarykrbtgtnumber").is_some() => {
            "the krbtgt of one read-only domain controller: reset it on a writable controller and replicate it to \
             that read-only one (repadmin /replsingleobj), or remove the controller if it is lost; twice, with the \
             ticket lifetime between"
        }
        AccountKind::KerberosTicketGranting => {
            "reset krbtgt twice by its own procedure (the krbtgt call of this library), with at least the ticket \
             lifetime and a complete replication between"
        }
        AccountKind::Trust => {
            "set a new secret on both sides: netdom trust TRUSTING /domain:TRUSTED /resetOneSide, on each side in \
             turn, with the same password; then netdom trust /verify"
        }
        AccountKind::Computer if named("AZUREADSSOACC$") => {
            "the key of seamless single sign-on to Microsoft Entra: run Update-AzureADSSOForest twice, with the \
             ticket lifetime between; never by LDAP"
        }
        AccountKind::Computer if named("AzureADKerberos$") => {
            "the Microsoft Entra Kerberos server object: run Set-AzureADKerberosServer -RotateServerKey; never by LDAP"
        }
        AccountKind::Computer if entry.number("primarygroupid").is_some_and(|rid| RID_CONTROLLERS.contains(&rid)) => {
            "a domain controller: run netdom resetpwd on it (with its KDC stopped if it cannot replicate); a \
             controller that was taken over is demoted and built anew"
        }
        AccountKind::Computer => {
            "run Reset-ComputerMachinePassword on the machine, or join it anew: its own copy must change with it"
        }
        AccountKind::ManagedService if is_sync_service(entry) => {
            "the service account of a directory synchronisation: the directory changes its password; after a leak \
             make a new one in the wizard of Entra Connect or in the cloud provisioning agent, and remove this one"
        }
        AccountKind::ManagedService if has_class(entry, &[DELEGATED_MANAGED]) => {
            "a delegated managed service account: its secret follows from the KDS root key and its machine; after a \
             leak of that key make a new key, then new accounts, and migrate the services"
        }
        AccountKind::ManagedService if has_class(entry, &[GROUP_MANAGED]) => {
            "a group managed service account: its password follows from the KDS root key; after a leak of that key \
             or of the account make a new key (Add-KdsRootKey), then a new account, and move the services to it"
        }
        AccountKind::ManagedService => {
            "a standalone managed service account: run Reset-ADServiceAccountPassword on the machine that it is \
             installed on"
        }
        AccountKind::DirectorySync => {
            "the connector account of Entra Connect, which may read every password: change it together with the \
             stored copy (Add-ADSyncADDSConnectorAccount, or the wizard), then let a full cycle run; best of all \
             replace it by one with no more rights than it needs"
        }
        AccountKind::Service if is_named_as_sync(name) => {
            "named like the connector or service account of Entra Connect, and without its right to replicate: look \
             which one the server of Entra Connect uses. If it is this one, change its password together with the \
             stored copy; if not, nobody needs it, and somebody may have made it to be spared: disable it and find \
             out who made it"
        }
        AccountKind::Mailbox => {
            "Exchange keeps this mailbox: it stays disabled, or (health mailboxes) is made anew by deleting the \
             account and restarting the Exchange Health service; nobody signs in with its password"
        }
        AccountKind::Service => {
            "agree on a time with its owner; set the new password on the account and in every program that uses it \
             together; a program that can use a group managed service account is better moved to one"
        }
        AccountKind::BuiltIn => "it stays disabled: enable nothing, set nothing",
        _ => return None,
    })
}
