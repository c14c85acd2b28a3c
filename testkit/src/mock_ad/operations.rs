//! One request carried out, without any fault of the connection.

use bytes::BytesMut;
use ldap3_proto::proto::{LdapExtendedRequest, LdapMsg, LdapOp, LdapSearchRequest, LdapSearchScope, OID_WHOAMI};

use super::bind;
use super::controls::Controls;
use super::modify::{self, Asker};
use super::reply::Reply;
use super::search::{self, Pages};
use super::store::Store;
use super::wire::{self, tag};
use crate::fault::Fault;

/// What a request changed about the connection.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Who is signed in from now on; `Some(None)` is anonymous.
    pub(super) signed_in: Option<Option<u32>>,
}

/// Carries a request out and writes its answer.
pub(super) fn perform(
    store: &mut Store,
    pages: &mut Pages,
    asker: Asker,
    message: &LdapMsg,
    fault: Option<&Fault>,
    out: &mut BytesMut,
) -> Answer {
    let (id, mut answer) = (message.msgid, Answer::default());
    let reply = match (&message.op, Controls::read(&message.ctrl, store.policy_hints)) {
        (LdapOp::BindRequest(request), _) => match bind::bind(store, request) {
            Ok(account) => {
                answer.signed_in = Some(account);
                Reply::success()
            }
            Err(reply) => {
                // A refused sign-in leaves the connection anonymous (RFC 4511, 4.2.1).
                answer.signed_in = Some(None);
                *reply
            }
        },
        (_, Err(reply)) => *reply,
        (_, _) if fault == Some(&Fault::Forbid) => Reply::forbidden(),
        (LdapOp::SearchRequest(request), Ok(controls)) => {
            if asker.account.is_some() || is_root_dse(request) {
                let truncate = fault == Some(&Fault::TruncatedPage);
                search::search(store, pages, id, request, &controls, truncate, out)
            } else {
                Reply::not_bound()
            }
        }
        (LdapOp::ModifyRequest(request), Ok(controls)) => {
            let refuse = fault == Some(&Fault::RefusePassword);
            match modify::modify(store, asker, request, &controls, refuse) {
                Ok(()) => Reply::success(),
                Err(reply) => *reply,
            }
        }
        (LdapOp::ExtendedRequest(request), Ok(_)) => extended(store, asker, request),
        _ if asker.account.is_none() => Reply::not_bound(),
        _ => Reply::illegal_modify(),
    };
    wire::result(out, id, answer_tag(&message.op), &reply);
    answer
}

/// The tag of the answer to a request.
pub(super) fn answer_tag(op: &LdapOp) -> u8 {
    match op {
        LdapOp::BindRequest(_) => tag::BIND,
        LdapOp::SearchRequest(_) => tag::SEARCH_DONE,
        LdapOp::ModifyRequest(_) => tag::MODIFY,
        LdapOp::AddRequest(_) => tag::ADD,
        LdapOp::DelRequest(_) => tag::DELETE,
        LdapOp::ModifyDNRequest(_) => tag::RENAME,
        LdapOp::CompareRequest(_) => tag::COMPARE,
        _ => tag::EXTENDED,
    }
}

fn is_root_dse(request: &LdapSearchRequest) -> bool {
    request.base.is_empty() && request.scope == LdapSearchScope::Base
}

fn extended(store: &Store, asker: Asker, request: &LdapExtendedRequest) -> Reply {
    if request.name != OID_WHOAMI {
        return Reply::protocol_error("Unknown extended request OID");
    }
    let name = asker.account.and_then(|index| store.view(index)).map(|view| format!("u:CORP\\{}", view.account.name));
    Reply { value: Some(name.unwrap_or_default().into_bytes()), ..Reply::success() }
}
