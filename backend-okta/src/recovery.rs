//! Recovery enrolments, and where recovery cannot work.
//!
//! What an account may recover with is decided by the password policy that it is under: a few calls for
//! all of them. Only whom a policy allows more than a mail, or where a mail is not enough, is asked for
//! its authenticators, which takes a call for each out of the bucket that resets share.

mod policy;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use identity_core::account::{Account, PasswordAuthority};
use identity_core::directory::{AccountEnumerator, AccountQuery, AccountStream};
use identity_core::error::Result;
use identity_core::recovery::{Enrolment, Method, MethodKind, RecoveryAuditor};

use crate::OktaDirectory;
use crate::account::{RECOVERY_QUESTION, STATUS};
use crate::org::Org;
use crate::support::hides_behind_okta;
use crate::wire::policy::Factor;
use policy::{Asked, Policies, Says, Then};

const OPERATION: &str = "list recovery enrolments";
/// Accounts whose authenticators are asked for at once; the governor has the last word.
const AT_ONCE: usize = 8;
/// After so many refusals, and no answer, nobody else is asked for their authenticators.
const REFUSALS: u32 = 3;

#[async_trait]
impl RecoveryAuditor for OktaDirectory {
    fn enrolments(&self, query: &AccountQuery) -> BoxStream<'static, Result<Enrolment>> {
        enrolments(Arc::clone(&self.org), self.accounts(query))
    }
}

/// What each of the accounts has enrolled.
///
/// # Behavior
/// Whose verdict is certain is noted on the way, for whoever asks whether its authenticators can be
/// reset. Where the policies or the authenticators may not be read, accounts are unknown, with the reason.
///
/// # Errors
/// In the stream: of the listing of the accounts, and of reads that may succeed later.
fn enrolments(org: Arc<Org>, accounts: AccountStream) -> BoxStream<'static, Result<Enrolment>> {
    stream::once(begun(org, accounts)).try_flatten().boxed()
}

async fn begun(org: Arc<Org>, accounts: AccountStream) -> Result<BoxStream<'static, Result<Enrolment>>> {
    let policies = read::policies(&org.okta).await?;
    let audit = Arc::new(Audit { org, policies, refusals: AtomicU32::new(0) });
    let each = accounts.map_ok(move |account| {
        let audit = Arc::clone(&audit);
        async move { audit.enrolment(&account).await }
    });
    Ok(each.try_buffered(AT_ONCE).boxed())
}

/// One look at everybody.
struct Audit {
    org: Arc<Org>,
    policies: Result<Policies, String>,
    /// How often authenticators were refused in a row.
    refusals: AtomicU32,
}

impl Audit {
    async fn enrolment(&self, account: &Account) -> Result<Enrolment> {
        let mut enrolment = Enrolment::new(account.id.clone());
        let mail = self.reachable_mail(account);
        match self.ahead(account) {
            Ahead::Known(is_possible, because) => {
                enrolment.self_service = is_possible;
                enrolment.because = Some(because);
                self.org.known.note_readiness(&account.id);
            }
            Ahead::Open(because) => enrolment.because = Some(because),
            Ahead::With(asked) => self.by_means(account, &asked, mail, &mut enrolment).await?,
        }
        Ok(enrolment)
    }

    /// What can be told without asking for authenticators.
    fn ahead(&self, account: &Account) -> Ahead {
        match &account.authority {
            PasswordAuthority::Federated(_) => {
                return Ahead::Known(
                    None,
                    "its password is checked by another provider: so is its recovery".to_owned(),
                );
            }
            PasswordAuthority::Nowhere => return Ahead::Known(Some(false), "it has no password".to_owned()),
            PasswordAuthority::Unknown => {
                return Ahead::Open("it is not known where its password is mastered".to_owned());
            }
            _ => {}
        }
        match account.attributes.get(STATUS).map_or("ACTIVE", String::as_str) {
            "ACTIVE" | "PASSWORD_EXPIRED" | "LOCKED_OUT" => {}
            "RECOVERY" => {
                return Ahead::Known(
                    Some(false),
                    "it waits for a recovery that was begun, and cannot begin one by itself".to_owned(),
                );
            }
            status => return Ahead::Known(Some(false), format!("nobody signs in with it: its status is {status}")),
        }
        match &self.policies {
            Err(why) => Ahead::Open(why.clone()),
            Ok(policies) => match policies.of(&account.id, provider(account)) {
                Says::Denied(because) => Ahead::Known(Some(false), because),
                Says::Unknown(because) => Ahead::Open(because),
                Says::With(asked) => Ahead::With(asked),
            },
        }
    }

    /// Whether the account has the means that its rule asks for.
    async fn by_means(&self, account: &Account, asked: &Asked, mail: Mail, enrolment: &mut Enrolment) -> Result<()> {
        let by_mail = asked.primary.iter().any(|method| method == "email");
        if by_mail && mail == Mail::Reachable {
            enrolment.methods.push(Method { kind: MethodKind::Email, enrolled: None });
            let has_question = asked.then == Then::RecoveryQuestion && has_recovery_question(account);
            if has_question {
                enrolment.methods.push(Method { kind: MethodKind::SecurityQuestions, enrolled: None });
            }
            if asked.then == Then::Nothing || has_question {
                enrolment.self_service = Some(true);
                self.org.known.note_readiness(&account.id);
                return Ok(());
            }
        }
        if self.refusals.load(Ordering::Relaxed) >= REFUSALS {
            enrolment.because = Some("its authenticators were not asked for: those of others were refused".to_owned());
            return Ok(());
        }
        let factors = match read::factors(&self.org.okta, &account.id).await? {
            Ok(factors) => factors,
            Err(why) => {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                enrolment.because = Some(why);
                return Ok(());
            }
        };
        self.refusals.store(0, Ordering::Relaxed);
        self.org.known.note_readiness(&account.id);
        enrolment.methods.extend(factors.iter().filter(|factor| factor.factor_type != "email").map(method));
        let verdict = is_enough(asked, by_mail && mail == Mail::Reachable, has_recovery_question(account), &factors);
        enrolment.self_service = Some(verdict);
        if !verdict {
            enrolment.because = Some(lacking(asked, by_mail, mail));
        }
        Ok(())
    }

    /// Whether a mail with a recovery link reaches somebody who cannot sign in.
    fn reachable_mail(&self, account: &Account) -> Mail {
        let second = account.attributes.get("secondEmail").filter(|second| !second.trim().is_empty());
        let all: Vec<&String> = account.mail.iter().chain(second).collect();
        match all.iter().any(|address| !hides_behind_okta(address, &self.org.mail_behind_okta)) {
            true => Mail::Reachable,
            false if all.is_empty() => Mail::None,
            false => Mail::BehindOkta,
        }
    }
}

/// What is known of an account before its authenticators.
enum Ahead {
    /// The verdict, with its reason.
    Known(Option<bool>, String),
    /// It cannot be told, and why.
    Open(String),
    /// It depends on what it has.
    With(Asked),
}

/// Where a recovery mail would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mail {
    Reachable,
    /// Only to mailboxes that are opened by a sign-in through this org.
    BehindOkta,
    None,
}

fn provider(account: &Account) -> &str {
    let told = account.attributes.get("credentials.provider.type").map(String::as_str);
    told.unwrap_or(match account.authority {
        PasswordAuthority::OnPrem => "ACTIVE_DIRECTORY",
        _ => "OKTA",
    })
}

/// Whether a question of the Classic Engine is set.
fn has_recovery_question(account: &Account) -> bool {
    account.attributes.contains_key(RECOVERY_QUESTION)
}

/// Whether one of the first means is there, and after it what comes next.
fn is_enough(asked: &Asked, has_mail: bool, has_question: bool, factors: &[Factor]) -> bool {
    let has = |word: &str| factors.iter().any(|factor| is_method(factor, word));
    let first = asked.primary.iter().filter(|word| if *word == "email" { has_mail } else { has(word) });
    first.into_iter().any(|word| match asked.then {
        Then::Nothing => true,
        Then::RecoveryQuestion if has_question => true,
        Then::Question | Then::RecoveryQuestion => factors.iter().any(|factor| factor.factor_type == "question"),
        // A question is no authenticator to sign in with.
        Then::Another => factors.iter().any(|factor| !is_method(factor, word) && factor.factor_type != "question"),
    })
}

/// Whether a factor is what a rule calls by that word. `otp` is Google Authenticator: no other is taken.
fn is_method(factor: &Factor, word: &str) -> bool {
    match word {
        "sms" => factor.factor_type == "sms",
        "voice" => factor.factor_type == "call",
        "push" => factor.factor_type == "push",
        "email" => factor.factor_type == "email",
        "otp" => factor.factor_type == "token:software:totp" && factor.provider.as_deref() == Some("GOOGLE"),
        _ => false,
    }
}

fn method(factor: &Factor) -> Method {
    let kind = match factor.factor_type.as_str() {
        "sms" => MethodKind::Sms,
        "call" => MethodKind::Voice,
        "email" => MethodKind::Email,
        "question" => MethodKind::SecurityQuestions,
        "push" => MethodKind::Push,
        "webauthn" | "u2f" | "signed_nonce" => MethodKind::Passkey,
        kind if kind == "token" || kind.starts_with("token:") => MethodKind::OneTimeCode,
        _ => MethodKind::Other,
    };
    Method { kind, enrolled: factor.last_updated.or(factor.created) }
}

fn lacking(asked: &Asked, by_mail: bool, mail: Mail) -> String {
    let primary = asked.primary.join(" or ");
    let then = match asked.then {
        Then::Nothing => "",
        Then::Question | Then::RecoveryQuestion => " and the security question",
        Then::Another => " and another authenticator",
    };
    let why = match mail {
        Mail::BehindOkta if by_mail => {
            "; its mailbox is opened by a sign-in through this org, so that a mail does not reach who cannot sign in"
        }
        Mail::None if by_mail => "; it has no address",
        _ => "",
    };
    format!("{} asks for {primary}{then}, and it has not all of that{why}", asked.rule)
}

#[cfg(test)]
mod tests;
