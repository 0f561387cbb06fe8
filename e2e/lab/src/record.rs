//! A list that grows while tests wait for what it will hold.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use parking_lot::Mutex;
use tokio::sync::watch;

/// What a sink received so far; clones share the list.
#[derive(Debug)]
pub struct Recorder<T> {
    items: Arc<Mutex<Vec<T>>>,
    length: watch::Sender<usize>,
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), length: self.length.clone() }
    }
}

impl<T: Clone> Default for Recorder<T> {
    fn default() -> Self {
        Self { items: Arc::default(), length: watch::Sender::new(0) }
    }
}

impl<T: Clone> Recorder<T> {
    pub(crate) fn push(&self, item: T) {
        let mut items = self.items.lock();
        items.push(item);
        self.length.send_replace(items.len());
    }

    /// Everything so far, in order of arrival.
    pub fn all(&self) -> Vec<T> {
        self.items.lock().clone()
    }

    /// What came after the first `count`.
    pub fn after(&self, count: usize) -> Vec<T> {
        self.items.lock().get(count..).unwrap_or_default().to_vec()
    }

    /// How many have come.
    pub fn len(&self) -> usize {
        self.items.lock().len()
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until more than `count` have come; without a deadline of its own.
    pub async fn more_than(&self, count: usize) {
        let mut length = self.length.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = length.wait_for(|length| *length > count).await;
    }

    /// The first item for which `wanted` holds, past or coming.
    ///
    /// # Errors
    /// If none came within the time; the message says how many others did.
    pub async fn wait_for(&self, within: Duration, wanted: impl Fn(&T) -> bool) -> Result<T> {
        let mut length = self.length.subscribe();
        let search = async {
            loop {
                length.mark_unchanged();
                if let Some(found) = self.items.lock().iter().find(|item| wanted(item)) {
                    return found.clone();
                }
                // The sender lives in self, so waiting cannot fail.
                let _ = length.changed().await;
            }
        };
        match tokio::time::timeout(within, search).await {
            Ok(found) => Ok(found),
            Err(_) => bail!("nothing matching came in {within:?} among {} received", self.len()),
        }
    }
}
