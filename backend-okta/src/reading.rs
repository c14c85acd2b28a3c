//! How accounts are read: what a configuration says of it.

use crate::OktaConfig;
use crate::account::AnchorAttributes;

/// How accounts are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// Whether listings have users that were deactivated.
    pub(crate) deprovisioned: bool,
    pub(crate) anchors: AnchorAttributes,
}

impl OktaConfig {
    /// Lists users that were deactivated (`DEPROVISIONED`) too. Without it they are listed by a search
    /// that names this status only; nobody can sign in with them.
    #[must_use]
    pub fn deprovisioned(mut self) -> Self {
        self.reading.deprovisioned = true;
        self
    }

    /// Which profile attributes join users with accounts of Active Directory.
    #[must_use]
    pub fn anchors(mut self, attributes: AnchorAttributes) -> Self {
        self.reading.anchors = attributes;
        self
    }
}
