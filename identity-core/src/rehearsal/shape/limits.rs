//! Limits as a shape holds them.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::directory::Backend;
use crate::error::Result;
use crate::limits::{BatchCost, Limits, OperationClass, Quota};

/// The limits of a directory, as its backend stated them when the shape was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedLimits {
    /// [`Limits::max_batch`].
    pub max_batch: NonZeroU32,
    /// Whether a batch weighs one request, whatever is in it ([`BatchCost::OneRequest`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batch_is_one_request: bool,
    /// [`Limits::in_flight`].
    pub in_flight: NonZeroU32,
    /// [`Limits::reads_beside`].
    #[serde(default)]
    pub reads_beside: u32,
    /// [`Limits::deadline`] in milliseconds.
    pub deadline_ms: u64,
    /// Classes with a batch of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<ShapedBatch>,
    /// The quotas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<ShapedQuota>,
}

/// The largest batch of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedBatch {
    /// The class: `read`, `write`, or the backend's word.
    pub class: String,
    /// The most orders.
    pub most: NonZeroU32,
    /// Whether the quotas price the call ([`Limits::is_one_call`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_call: bool,
}

/// One quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedQuota {
    /// [`Quota::name`].
    pub name: String,
    /// [`Quota::permits`]; of a learnt quota what is assumed before the first answer.
    pub permits: NonZeroU32,
    /// [`Quota::window`] in milliseconds.
    pub window_ms: u64,
    /// [`Quota::share`].
    pub share: f64,
    /// [`Quota::burst`].
    pub burst: NonZeroU32,
    /// [`Quota::learnt`]: fixed windows, of which each answer tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learnt: bool,
    /// What the server of a learnt quota really allows: as answers told while the shape was taken, or as
    /// somebody wrote in who knows; without it what is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_permits: Option<NonZeroU32>,
    /// What one operation of each class costs.
    pub costs: Vec<(String, u32)>,
}

impl ShapedLimits {
    pub(super) fn of(backend: &dyn Backend) -> Self {
        let limits = backend.limits();
        let known = backend.governor().quotas();
        let told = |name: &str| {
            let quota = known.iter().find(|quota| quota.name == name)?;
            quota.limit.and_then(NonZeroU32::new)
        };
        let quotas = limits.quotas.iter().map(|quota| ShapedQuota {
            name: quota.name.to_owned(),
            permits: quota.permits,
            window_ms: millis(quota.window),
            share: quota.share,
            burst: quota.burst,
            learnt: quota.learnt,
            server_permits: if quota.learnt { told(quota.name) } else { None },
            costs: quota.costs.iter().map(|(class, cost)| (word_of(*class).to_owned(), *cost)).collect(),
        });
        let batches = limits.own_batches().map(|(class, most, one_call)| ShapedBatch {
            class: word_of(class).to_owned(),
            most,
            one_call,
        });
        Self {
            max_batch: limits.max_batch,
            batch_is_one_request: limits.batch_cost == BatchCost::OneRequest,
            in_flight: limits.in_flight,
            reads_beside: limits.reads_beside,
            deadline_ms: millis(limits.deadline),
            batches: batches.collect(),
            quotas: quotas.collect(),
        }
    }

    /// The limits themselves.
    pub(crate) fn limits(&self) -> Result<Limits> {
        let cost = if self.batch_is_one_request { BatchCost::OneRequest } else { BatchCost::PerOperation };
        let mut limits = Limits::new(self.max_batch, self.in_flight)
            .with_batch_cost(cost)
            .with_reads_beside(self.reads_beside)
            .with_deadline(Duration::from_millis(self.deadline_ms));
        for batch in &self.batches {
            let class = class_of(&batch.class)?;
            limits = if batch.one_call {
                limits.with_one_call_of(class, batch.most)
            } else {
                limits.with_batch_of(class, batch.most)
            };
        }
        for shaped in &self.quotas {
            let window = Duration::from_millis(shaped.window_ms);
            let name = word(&shaped.name)?;
            let mut quota = Quota::new(name, shaped.permits, window, OperationClass::Write);
            quota.learnt = shaped.learnt;
            quota.costs =
                shaped.costs.iter().map(|(class, cost)| Ok((class_of(class)?, *cost))).collect::<Result<_>>()?;
            limits = limits.with_quota(quota.with_share(shaped.share).with_burst(shaped.burst));
        }
        limits.check()?;
        Ok(limits)
    }
}

/// The word that a shape has for a class.
pub(super) fn word_of(class: OperationClass) -> &'static str {
    match class {
        OperationClass::Read => "read",
        OperationClass::Write => "write",
        OperationClass::Named(word) => word,
    }
}

/// The class of a word.
pub(crate) fn class_of(text: &str) -> Result<OperationClass> {
    Ok(match text {
        "read" => OperationClass::Read,
        "write" => OperationClass::Write,
        other => OperationClass::Named(word(other)?),
    })
}

/// The most different words that shapes may bring into one process: they stay for its life.
const MOST_WORDS: usize = 256;
const LONGEST_WORD: usize = 64;

/// A word of a file as quotas and classes want theirs.
fn word(text: &str) -> Result<&'static str> {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(text) {
        return Ok(known);
    }
    if text.is_empty() || text.len() > LONGEST_WORD || words.len() >= MOST_WORDS {
        let text: String = text.chars().take(LONGEST_WORD).collect();
        return Err(invalid(format!("{text:?} cannot be the word for a quota or a class of operations")));
    }
    let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
    words.insert(word);
    Ok(word)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
