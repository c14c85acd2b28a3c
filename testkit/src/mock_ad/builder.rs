//! How a mock is described and begun.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::policy::DomainPolicy;
use super::replica::Domain;
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
    fine_grained_length: usize,
    faults: FaultScript,
    latency: Duration,
    workers: usize,
    plain: bool,
    delegated: bool,
    children: Vec<String>,
    most_entries: usize,
    policy_hints: bool,
    /// Further controllers that the configuration names, and whether they are read-only.
    pub(super) named: Vec<(String, bool)>,
}

impl Default for MockAdBuilder {
    fn default() -> Self {
        Self {
            organisation: Organisation::new(1, 1_000),
            policy: DomainPolicy::default(),
            fine_grained_length: 20,
            faults: FaultScript::default(),
            latency: Duration::ZERO,
            workers: 8,
            plain: false,
            delegated: false,
            children: Vec::new(),
            most_entries: 1000,
            policy_hints: true,
            named: Vec::new(),
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
    /// is the same but for [its length](Self::fine_grained_length).
    #[must_use]
    pub fn policy(mut self, policy: DomainPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How many characters the fine-grained policy asks for; 20 unless given.
    #[must_use]
    pub fn fine_grained_length(mut self, characters: usize) -> Self {
        self.fine_grained_length = characters;
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
    /// AdminSDHolder protects an account, and may not read the fine-grained policies; otherwise it is a
    /// Domain Admin.
    #[must_use]
    pub fn delegated(mut self) -> Self {
        self.delegated = true;
        self
    }

    /// Names a further domain of the forest below this one by its label: `child`. It is named only,
    /// nobody answers for it.
    #[must_use]
    pub fn child_domain(mut self, label: impl Into<String>) -> Self {
        self.children.push(label.into());
        self
    }

    /// MaxPageSize: entries of a page at most.
    #[must_use]
    pub fn max_page_size(mut self, entries: usize) -> Self {
        self.most_entries = entries.max(1);
        self
    }

    /// Names one more domain controller in the configuration; [`MockAd::named_replica`] begins it. One
    /// that is never begun is a controller that cannot be reached.
    #[must_use]
    pub fn controller(mut self, name: &str) -> Self {
        self.named.push((name.to_uppercase(), false));
        self
    }

    /// As [`controller`](Self::controller), a read-only one.
    #[must_use]
    pub fn read_only_controller(mut self, name: &str) -> Self {
        self.named.push((name.to_uppercase(), true));
        self
    }

    /// Does not know the control that has a set respect the history, as Samba does not.
    #[must_use]
    pub fn without_policy_hints(mut self) -> Self {
        self.policy_hints = false;
        self
    }

    /// Begins.
    ///
    /// # Errors
    /// When no port or thread can be had, or a certificate cannot be made.
    pub async fn start(self) -> io::Result<MockAd> {
        let (acceptor, ca_pem) = tls::acceptor(&fixed::host(&self.organisation, fixed::FIRST))?;
        let fine_grained = DomainPolicy { min_length: self.fine_grained_length, ..self.policy.clone() };
        let policies = (self.policy.clone(), fine_grained);
        let mut store = Store::new(self.organisation.clone(), policies, self.delegated, self.most_entries);
        store.clock_skew = self.faults.clock_skew;
        for label in &self.children {
            let described = fixed::child_domain(&store.organisation, &store.base, label);
            store.add_fixed(described);
        }
        store.children.clone_from(&self.children);
        store.policy_hints = self.policy_hints;
        for (name, read_only) in &self.named {
            for described in fixed::controller(&self.organisation, &store.base.clone(), name, *read_only) {
                store.add_fixed(described);
            }
        }
        self.listen(store, acceptor, ca_pem, Arc::default()).await
    }

    /// Begins with a store that is there, as one of a domain's controllers.
    pub(super) async fn listen(
        self,
        store: Store,
        acceptor: TlsAcceptor,
        ca_pem: String,
        domain: Arc<Domain>,
    ) -> io::Result<MockAd> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (organisation, described) = (self.organisation.clone(), self.clone());
        let joined = Arc::clone(&domain);
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let (ready, begun) = oneshot::channel();
        let (ended, stopped) = oneshot::channel();
        std::thread::Builder::new().name("mock-ad".into()).spawn(move || {
            let served = self.serve(store, (acceptor, domain), listener, stopping, ready);
            if let Err(error) = served {
                tracing::error!(%error, "the mock directory could not be served");
            }
            // Nobody may be waiting.
            let _ = ended.send(());
        })?;
        let server = begun.await.map_err(|_| io::Error::other("the mock directory could not begin"))?;
        joined.join(&server);
        Ok(MockAd { server, organisation, described, port, ca_pem, stop, stopped: Some(stopped) })
    }

    fn serve(
        self,
        store: Store,
        (acceptor, domain): (TlsAcceptor, Arc<Domain>),
        listener: std::net::TcpListener,
        stop: CancellationToken,
        ready: oneshot::Sender<Arc<Server>>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let faults = Faults::new(self.faults);
        let handle = runtime.handle().clone();
        let server = Server::new(store, faults, self.workers, (acceptor, self.plain), domain, handle);
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
