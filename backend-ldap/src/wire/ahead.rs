//! Pages that are fetched while earlier ones are looked at.

use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What has been fetched, and who fetches.
struct Ahead<T> {
    pages: mpsc::Receiver<T>,
    fetching: Fetching,
}

/// The task that fetches; it ends with whoever wanted the pages.
struct Fetching(JoinHandle<()>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Lets a stream of pages run one page ahead, in a task of its own from the first poll on: the server
/// makes the next page while the last one is read. Two pages are in memory, and one in making.
pub(crate) fn ahead<T: Send + 'static>(pages: impl Stream<Item = T> + Send + 'static) -> BoxStream<'static, T> {
    let start = async move {
        let (sender, receiver) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut pages = std::pin::pin!(pages);
            while let Some(page) = pages.next().await {
                if sender.send(page).await.is_err() {
                    return;
                }
            }
        });
        stream::unfold(Ahead { pages: receiver, fetching: Fetching(task) }, Ahead::next)
    };
    stream::once(start).flatten().boxed()
}

impl<T> Ahead<T> {
    async fn next(mut self) -> Option<(T, Self)> {
        if let Some(page) = self.pages.recv().await {
            return Some((page, self));
        }
        // No more pages, or a panic: that is not an end, and goes on here.
        match (&mut self.fetching.0).await {
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counted(made: &Arc<AtomicUsize>, last: usize) -> impl Stream<Item = usize> + Send + 'static {
        let made = Arc::clone(made);
        stream::iter(1..=last).inspect(move |n| made.store(*n, Ordering::Relaxed))
    }

    #[tokio::test]
    async fn all_pages_come_in_order_and_not_many_ahead() {
        let made = Arc::new(AtomicUsize::new(0));
        let mut pages = ahead(counted(&made, 50));
        tokio::task::yield_now().await;
        assert_eq!(made.load(Ordering::Relaxed), 0, "nothing before it is asked for");
        for n in 1..=50 {
            assert_eq!(pages.next().await, Some(n));
            tokio::task::yield_now().await;
            assert!(made.load(Ordering::Relaxed) <= n + 2, "page {n}");
        }
        assert_eq!(pages.next().await, None);
    }

    #[tokio::test]
    async fn it_ends_with_whoever_wanted_the_pages() {
        let kept = Arc::new(());
        let inside = Arc::clone(&kept);
        let mut pages = ahead(stream::repeat_with(move || Arc::strong_count(&inside)));
        assert!(pages.next().await.is_some());
        drop(pages);
        while Arc::strong_count(&kept) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    #[should_panic(expected = "in a page")]
    async fn a_panic_is_not_taken_for_the_end() {
        let mut pages = ahead(stream::iter(0..3).inspect(|n| assert!(*n < 1, "in a page")));
        while pages.next().await.is_some() {}
    }
}
