//! How a mock is described and begun.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::policy::DomainPolicy;
use super::replica::Controller;
use super::server::Server;
use super::store::Store;
use super::{MockAd, fixed, tls};
use crate::fault::{FaultScript, Faults};
use crate::organisation::Organisation;

/// Describes a mock. Without a word: 1,000 accounts from seed 1, no faults, no latency, eight
/// workers.
#[derive(Clone, Debug)]
pub struct MockAdBuilder {
    organisation: Organisation,
    policy: DomainPolicy,
    faults: FaultScript,
    latency: Duration,
    workers: usize,
    plain: bool,
    delegated: bool,
    policy_hints: bool,
    pub(super) controllers: Vec<Controller>,
    /// Which of the controllers this one is.
    pub(super) own: usize,
}

impl Default for MockAdBuilder {
    fn default() -> Self {
        Self {
            organisation: Organisation::new(1, 1_000),
            policy: DomainPolicy::default(),
            faults: FaultScript::default(),
            latency: Duration::ZERO,
            workers: 8,
            plain: false,
            delegated: false,
            policy_hints: true,
            controllers: vec![Controller::new("DC1", false)],
            own: 0,
        }
    }
}

impl MockAdBuilder {
    /// Who is in the directory.
    #[must_use]
    pub fn organisation(mut self, organisation: Organisation) -> Self {
        self.organisation = organisation;
        self
    }

    /// The password policy of the domain. Members of Ops-Escalation have a fine-grained one that
    /// is the same but for 20 characters at least.
    #[must_use]
    pub fn policy(mut self, policy: DomainPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(mut self, script: FaultScript) -> Self {
        self.faults = script;
        self
    }

    /// How long every operation takes but signing in. Operations of one connection overlap.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// How many operations are worked on at once when there is latency (MaxPoolThreads, four per
    /// processor); the others wait.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Listens without TLS, on `ldap://`, with StartTLS on offer.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// The account of the run holds a delegated right to reset, and is refused where
    /// AdminSDHolder protects an account; otherwise it is a Domain Admin.
    #[must_use]
    pub fn delegated(mut self) -> Self {
        self.delegated = true;
        self
    }

    /// Names one more domain controller in the configuration; [`MockAd::replica`] starts it. One
    /// that is never started is a controller that cannot be reached.
    #[must_use]
    pub fn controller(mut self, name: &str) -> Self {
        self.controllers.push(Controller::new(name, false));
        self
    }

    /// As [`controller`](Self::controller), a read-only one.
    #[must_use]
    pub fn read_only_controller(mut self, name: &str) -> Self {
        self.controllers.push(Controller::new(name, true));
        self
    }

    /// Does not know the control that has a set respect the history, as Samba does not.
    #[must_use]
    pub fn without_policy_hints(mut self) -> Self {
        self.policy_hints = false;
        self
    }

    pub(super) fn host(&self) -> String {
        let own = self.controllers.get(self.own).map(|own| own.host(self.organisation.domain()));
        own.unwrap_or_else(|| fixed::host(&self.organisation))
    }

    /// Begins.
    ///
    /// # Errors
    /// When no port or thread can be had, or a certificate cannot be made.
    pub async fn start(self) -> io::Result<MockAd> {
        let (acceptor, ca_pem) = tls::acceptor(&self.host())?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (organisation, builder) = (self.organisation.clone(), self.clone());
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let (ready, begun) = oneshot::channel();
        let (ended, stopped) = oneshot::channel();
        std::thread::Builder::new().name("mock-ad".into()).spawn(move || {
            let served = self.serve(acceptor, listener, stopping, ready);
            if let Err(error) = served {
                tracing::error!(%error, "the mock directory could not be served");
            }
            // Nobody may be waiting.
            let _ = ended.send(());
        })?;
        let server = begun.await.map_err(|_| io::Error::other("the mock directory could not begin"))?;
        Ok(MockAd { server, builder, organisation, port, ca_pem, stop, stopped: Some(stopped) })
    }

    fn serve(
        self,
        acceptor: tokio_rustls::TlsAcceptor,
        listener: std::net::TcpListener,
        stop: CancellationToken,
        ready: oneshot::Sender<Arc<Server>>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut store = Store::new(self.organisation, self.policy, self.delegated, self.controllers, self.own);
        store.policy_hints = self.policy_hints;
        store.clock_skew = self.faults.clock_skew;
        let server = Server::new(store, Faults::new(self.faults), self.workers, acceptor, self.plain);
        server.set_latency(self.latency);
        let server = Arc::new(server);
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            if ready.send(Arc::clone(&server)).is_ok() {
                server.run(listener, stop).await;
            }
            Ok(())
        })
    }
}
