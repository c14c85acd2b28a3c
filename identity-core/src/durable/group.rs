//! Group commit: whoever asks first writes for all who wait, with one sync to disk.
//!
//! The first caller becomes the leader: on a blocking thread it takes everything that waits,
//! makes it durable at once, answers, and goes on until nobody waits. A blocking task of tokio
//! (and not a thread of our own) keeps a paused clock from running ahead while the disk works.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// What writes.
pub(crate) trait Store: Send + 'static {
    /// What a caller wants made durable.
    type Wish: Send + 'static;
    /// What it learns.
    type Answer: Send + 'static;
    /// The kind of this store's errors.
    const KIND: ErrorKind;
    /// What its callers do, for errors.
    const OPERATION: &'static str;

    /// Makes all wishes durable at once and answers each, in order. After an error it is never
    /// called again: what is on the disk is then unknown until it is read anew.
    fn commit(&mut self, wishes: Vec<Self::Wish>) -> Result<Vec<Self::Answer>>;

    /// Ends it. `clean` unless a commit failed.
    fn close(self, clean: bool);
}

/// Groups the wishes of many callers into few commits.
pub(crate) struct GroupCommit<S: Store>(Arc<Shared<S>>);

struct Shared<S: Store> {
    queue: Mutex<Queue<S>>,
    /// `None` once closed.
    store: Mutex<Option<S>>,
    commits: AtomicU64,
}

struct Queue<S: Store> {
    waiting: Vec<Waiting<S>>,
    /// Whether somebody is writing, or about to.
    led: bool,
    /// The first error: the store is not trusted any more.
    fault: Option<Fault>,
}

struct Waiting<S: Store> {
    wish: S::Wish,
    answer: oneshot::Sender<Result<S::Answer>>,
}

/// An error that can be given to many.
#[derive(Clone)]
struct Fault {
    text: String,
    advice: Option<String>,
}

impl<S: Store> GroupCommit<S> {
    pub(crate) fn new(store: S) -> Self {
        let queue = Queue { waiting: Vec::new(), led: false, fault: None };
        Self(Arc::new(Shared { queue: Mutex::new(queue), store: Mutex::new(Some(store)), commits: AtomicU64::new(0) }))
    }

    /// Returns when the wish is durable. A caller that stops waiting does not take it back.
    pub(crate) async fn submit(&self, wish: S::Wish) -> Result<S::Answer> {
        let (answer, answered) = oneshot::channel();
        let lead = {
            let mut queue = lock(&self.0.queue);
            if let Some(fault) = &queue.fault {
                return Err(fault.to_error::<S>());
            }
            queue.waiting.push(Waiting { wish, answer });
            !std::mem::replace(&mut queue.led, true)
        };
        if lead {
            let leader = Leader { shared: Arc::clone(&self.0), left: false };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || leader.run())),
                Err(_) => leader.run(),
            }
        }
        answered.await.unwrap_or_else(|_| {
            Err(Error::new(S::KIND, S::OPERATION).with_detail("the program ended before this was written"))
        })
    }

    /// How many commits there were.
    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Relaxed)
    }

    /// Looks at the store between two commits; `None` once closed.
    #[cfg(test)]
    pub(crate) fn with_store<T>(&self, look: impl FnOnce(&mut S) -> T) -> Option<T> {
        lock(&self.0.store).as_mut().map(look)
    }
}

impl<S: Store> Drop for GroupCommit<S> {
    fn drop(&mut self) {
        // Waits for the commit that runs, if one does: whoever drops us can open the file again.
        let store = lock(&self.0.store).take();
        let clean = lock(&self.0.queue).fault.is_none();
        if let Some(store) = store {
            store.close(clean);
        }
    }
}

impl<S: Store> fmt::Debug for GroupCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("commits", &self.commits()).finish_non_exhaustive()
    }
}

/// Whoever writes for all. Dropping it always makes room for another leader.
struct Leader<S: Store> {
    shared: Arc<Shared<S>>,
    /// It left in order, with nobody waiting.
    left: bool,
}

impl<S: Store> Leader<S> {
    fn run(mut self) {
        loop {
            let batch = {
                let mut queue = lock(&self.shared.queue);
                if queue.waiting.is_empty() {
                    queue.led = false;
                    self.left = true;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            self.write(batch);
        }
    }

    fn write(&self, batch: Vec<Waiting<S>>) {
        let (wishes, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.wish, one.answer)).unzip();
        let result = {
            let mut store = lock(&self.shared.store);
            // A wish that came before a fault was known must not be written after it.
            let fault = lock(&self.shared.queue).fault.clone();
            match (store.as_mut(), fault) {
                (Some(store), None) => {
                    // Caught here, so that the fault is known before anybody hears of it.
                    let result = catch_unwind(AssertUnwindSafe(|| store.commit(wishes)))
                        .unwrap_or_else(|_| Err(Error::new(S::KIND, S::OPERATION).with_detail("the writer panicked")));
                    self.shared.commits.fetch_add(1, Ordering::Relaxed);
                    result
                }
                (_, Some(fault)) => Err(fault.to_error::<S>()),
                // Closed: nobody is left to hear the answer.
                (None, None) => return,
            }
        };
        match result {
            Ok(answered) => {
                for (answer, channel) in answered.into_iter().zip(answers) {
                    // A caller that went away does not need its answer.
                    drop(channel.send(Ok(answer)));
                }
            }
            Err(error) => {
                let fault = Fault { text: error.detail().to_owned(), advice: error.advice().map(str::to_owned) };
                lock(&self.shared.queue).fault.get_or_insert_with(|| fault.clone());
                let mut first = Some(error);
                for channel in answers {
                    drop(channel.send(Err(first.take().unwrap_or_else(|| fault.to_error::<S>()))));
                }
            }
        }
    }
}

impl<S: Store> Drop for Leader<S> {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let mut queue = lock(&self.shared.queue);
        queue.led = false;
        // Those who wait hear that nothing came of it when their channels close.
        queue.waiting.clear();
    }
}

impl Fault {
    fn to_error<S: Store>(&self) -> Error {
        let text = self.text.strip_prefix(EARLIER).unwrap_or(&self.text);
        let error = Error::new(S::KIND, S::OPERATION).with_detail(format!("{EARLIER}{text}"));
        match &self.advice {
            Some(advice) => error.with_advice(advice.as_str()),
            None => error,
        }
    }
}

const EARLIER: &str = "a write failed: ";

/// A panic of another thread leaves nothing half done behind these locks that is not marked as
/// a fault.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::future::join_all;

    use super::*;

    /// Writes when the test lets it; the wish `0` fails, `255` panics.
    struct Script {
        go: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl Store for Script {
        type Wish = u8;
        type Answer = u8;
        const KIND: ErrorKind = ErrorKind::Journal;
        const OPERATION: &'static str = "write";

        fn commit(&mut self, wishes: Vec<u8>) -> Result<Vec<u8>> {
            self.go.recv().unwrap();
            assert!(!wishes.contains(&255));
            if wishes.contains(&0) {
                return Err(Error::new(Self::KIND, Self::OPERATION).with_detail("no space"));
            }
            lock(&self.written).push(wishes.clone());
            Ok(wishes)
        }

        fn close(self, _clean: bool) {}
    }

    type Written = Arc<Mutex<Vec<Vec<u8>>>>;

    fn script() -> (GroupCommit<Script>, mpsc::Sender<()>, Written) {
        let (sender, go) = mpsc::channel();
        let written = Written::default();
        (GroupCommit::new(Script { go, written: Arc::clone(&written) }), sender, written)
    }

    #[tokio::test]
    async fn whoever_waits_is_written_with_one_commit_and_each_hears_its_own_answer() {
        let (group, go, written) = script();
        let calls: Vec<_> = (1..=100).map(|wish| group.submit(wish)).collect();
        // On one thread every call has queued before any is answered.
        let all = join_all(calls);
        let open = async {
            go.send(()).unwrap();
            go.send(()).unwrap();
        };
        let (answers, ()) = futures::join!(all, open);
        let answers: Vec<u8> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (1..=100).collect::<Vec<_>>());
        assert!(group.commits() <= 2, "{} commits", group.commits());
        assert_eq!(lock(&written).concat(), (1..=100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn after_an_error_nothing_is_written_any_more() {
        let (group, go, written) = script();
        (0..5).for_each(|_| go.send(()).unwrap());
        assert_eq!(group.submit(1).await.unwrap(), 1);
        let first = group.submit(0).await.unwrap_err();
        assert_eq!(first.detail(), "no space");
        for _ in 0..2 {
            let later = group.submit(2).await.unwrap_err();
            assert_eq!(later.detail(), "a write failed: no space");
        }
        assert_eq!(*lock(&written), vec![vec![1]]);
    }

    #[tokio::test]
    async fn a_panic_in_the_store_is_a_fault_and_nobody_waits_for_ever() {
        let (group, go, written) = script();
        (0..5).for_each(|_| go.send(()).unwrap());
        assert!(group.submit(255).await.is_err());
        let later = group.submit(2).await.unwrap_err();
        assert!(later.detail().contains("panicked"), "{later}");
        assert!(lock(&written).is_empty());
    }

    #[test]
    fn without_a_runtime_and_across_runtimes_it_still_answers() {
        let (group, go, _) = script();
        (0..5).for_each(|_| go.send(()).unwrap());
        assert_eq!(futures::executor::block_on(group.submit(1)).unwrap(), 1);
        for wish in 2..4 {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            assert_eq!(runtime.block_on(group.submit(wish)).unwrap(), wish);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_waits_for_the_disk() {
        let (group, go, _) = script();
        go.send(()).unwrap();
        let before = crate::limits::clock::instant();
        let hour = std::time::Duration::from_secs(3600);
        assert!(crate::limits::clock::within(hour, group.submit(1)).await.is_ok());
        assert_eq!(crate::limits::clock::instant(), before);
    }
}
