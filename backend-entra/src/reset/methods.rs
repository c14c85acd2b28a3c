//! Making a person enrol anew: every authentication method that can be removed is removed, the
//! default one last.

use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Request, Response, ServerFault};
use identity_core::limits::OperationClass;
use identity_core::reset::{Order, Outcome, Receipt};
use tokio::time::Instant;

use super::refusal::{explained, is_of_the_default_method};
use super::request::{below, listing, object_id, operation};
use super::{Orders, done, receipt};
use crate::limits::AUTHENTICATORS;
use crate::methods::{Place, Removable, place_of};
use crate::retold::retold_as;
use crate::wire::method::AuthenticationMethod;
use crate::wire::page::Page;

/// More pages of one account's methods than that are no listing.
const MOST_PAGES: usize = 20;

/// How the endpoints of authentication methods say that one is not there (two spellings are seen).
const NOT_THERE: [&str; 2] = ["Request_ResourceNotFound", "resourceNotFound"];

/// How far an order has come.
#[derive(Debug, Default)]
struct Progress {
    removed: usize,
    /// Of these the service said that they were not there.
    gone: usize,
    /// What cannot be removed, and why.
    stuck: Vec<(String, Error)>,
    /// The ids of those of them that the service would not remove.
    refused: Vec<String>,
    last: Receipt,
}

impl Orders {
    /// Lists the methods and removes them one by one.
    ///
    /// # Behavior
    /// Every request is sent at most once, but for the default method, which may be refused once for
    /// being the default. At the end the methods are listed once more. What is left when the service asks to slow down, or when the time is up, is
    /// taken up by the next attempt: it lists anew.
    pub(super) async fn reset_authenticators(&self, order: &Order) -> Outcome {
        match self.remove_all(order).await {
            Ok(receipt) => Outcome::Done(receipt),
            Err(error) => self.failed(order, error),
        }
    }

    async fn remove_all(&self, order: &Order) -> Result<Receipt> {
        let name = operation(order.action);
        let (id, until) = (object_id(order)?, self.until());
        let mut progress = Progress::default();
        let mut open = Vec::new();
        for method in self.listed(name, &id, until, &mut progress).await? {
            match place_of(&method) {
                Place::Password => {}
                Place::Removable(removable) => open.push(removable),
                Place::Unknown(sort) => {
                    let error = Error::new(ErrorKind::Unsupported, name).with_detail("no way to remove it is known");
                    progress.stuck.push((sort, error));
                }
            }
        }
        // The listing does not tell which one is the default: it is the one that is refused for it.
        let mut defaults = Vec::new();
        self.round(order, &id, until, open, &mut progress, Some(&mut defaults)).await?;
        self.round(order, &id, until, defaults, &mut progress, None).await?;
        if progress.removed + progress.gone > 0 {
            self.looked_again(name, &id, until, &mut progress).await?;
        }
        progress.ended()
    }

    /// Lists once more: only who is no longer listed is known to be removed, and somebody may have
    /// enrolled another meanwhile.
    ///
    /// # Errors
    /// When something is left that was not refused.
    async fn looked_again(&self, name: &'static str, id: &str, until: Instant, progress: &mut Progress) -> Result<()> {
        let last = std::mem::take(&mut progress.last);
        let listed = self.listed(name, id, until, progress).await.map_err(|error| progress.halted(&error, 0))?;
        progress.last = last;
        let left: Vec<Removable> = listed
            .iter()
            .filter_map(|method| match place_of(method) {
                Place::Removable(removable) => Some(removable),
                Place::Password | Place::Unknown(_) => None,
            })
            .filter(|removable| !progress.refused.contains(&removable.id))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        let named: Vec<&str> = left.iter().map(|removable| removable.words.as_str()).collect();
        Err(Error::new(ErrorKind::Conflict, name)
            .with_status(Status::Temporary)
            .with_detail(format!("{} removed, still or newly listed: {}", progress.removed, named.join(", ")))
            .with_advice("removed methods are listed for a moment; if it stays so, somebody enrols anew"))
    }

    /// Removes what can be removed; a default method is kept for later where there is a later.
    async fn round(
        &self,
        order: &Order,
        id: &str,
        until: Instant,
        methods: Vec<Removable>,
        progress: &mut Progress,
        mut defaults: Option<&mut Vec<Removable>>,
    ) -> Result<()> {
        let mut left = methods.len();
        for method in methods {
            match (self.removed(order, id, &method, until).await, &mut defaults) {
                (Ok(receipt), _) => {
                    progress.removed += 1;
                    progress.last = receipt;
                }
                // Somebody else removed it, or it is elsewhere than was thought: the listing tells.
                (Err(error), _) if is_gone(&error) => progress.gone += 1,
                (Err(error), Some(defaults)) if is_of_the_default_method(&error) => defaults.push(method),
                (Err(error), _) if error.status() == Status::Permanent => {
                    progress.refused.push(method.id);
                    progress.stuck.push((method.words, explained(error, order.action)));
                }
                (Err(error), defaults) => {
                    let kept = defaults.as_ref().map_or(0, |defaults| defaults.len());
                    return Err(progress.halted(&error, left + kept));
                }
            }
            left -= 1;
        }
        Ok(())
    }

    async fn listed(
        &self,
        name: &'static str,
        id: &str,
        until: Instant,
        progress: &mut Progress,
    ) -> Result<Vec<AuthenticationMethod>> {
        let mut methods = Vec::new();
        let mut next = Some(listing(id));
        for _ in 0..MOST_PAGES {
            let Some(request) = next else { return Ok(methods) };
            let response = self.in_turn(name, AUTHENTICATORS, &request, until).await?;
            let page: Page<AuthenticationMethod> = response.json(name)?;
            progress.last = receipt(&response);
            methods.extend(page.value);
            next = page.next.map(|link| Request::link(link).of_account());
        }
        Err(Error::new(ErrorKind::Protocol, name).with_detail("the listing of its methods has no end"))
    }

    async fn removed(&self, order: &Order, id: &str, method: &Removable, until: Instant) -> Result<Receipt> {
        let request = below(Request::delete("/users"), id, method.path).segment(&method.id);
        done(order.action, &self.in_turn(operation(order.action), AUTHENTICATORS, &request, until).await?)
    }

    /// One request of the order, when it is its turn.
    pub(super) async fn in_turn(
        &self,
        name: &'static str,
        class: OperationClass,
        request: &Request,
        until: Instant,
    ) -> Result<Response> {
        self.methods.turn(until).await.map_err(|wait| {
            Error::new(ErrorKind::RateLimited, name)
                .with_detail("not sent: authentication methods take few requests at a time")
                .with_retry_after(wait)
        })?;
        self.client().attempt(name, class, request).await
    }
}

impl Progress {
    /// The order goes on later, or nobody knows how the last request ended.
    fn halted(&self, error: &Error, left: usize) -> Error {
        let so_far = format!("{} removed, {left} left: {}", self.removed, error.detail());
        retold_as(error, error.kind(), error.status()).with_detail(so_far)
    }

    fn ended(mut self) -> Result<Receipt> {
        if self.stuck.is_empty() {
            return Ok(self.last);
        }
        let named: Vec<String> =
            self.stuck.iter().map(|(words, error)| format!("{words} ({})", error.detail())).collect();
        let (_, first) = self.stuck.swap_remove(0);
        let detail = format!("{} removed, not removed: {}", self.removed, named.join("; "));
        let error = first.with_status(Status::Permanent).with_detail(detail);
        match error.advice() {
            Some(_) => Err(error),
            None => {
                Err(error
                    .with_advice("remove them by hand in the Entra admin center: Authentication methods of the user"))
            }
        }
    }
}

/// Graph's own word that the method is not there (the account was listed a moment ago). A 404 without
/// one is somebody else's.
fn is_gone(error: &Error) -> bool {
    ServerFault::of(error).is_some_and(|fault| NOT_THERE.iter().any(|code| fault.code.eq_ignore_ascii_case(code)))
}
