//! What reads cost, by the kind of the directory: backends pace their reads themselves and state nothing of
//! it.

use super::limits::word_of;
use super::row::ShapedReads;
use crate::directory::Backend;
use crate::limits::OperationClass;

pub(super) fn reads(backend: &dyn Backend) -> ShapedReads {
    let batch = backend.limits().batch_of(OperationClass::Read).get();
    let (list, page, look_up, ids) = match backend.info().kind.as_str() {
        // Pages of 1,000 (MaxPageSize, MS-ADTS 3.1.1.3.4.6); look-ups are pipelined.
        "ldap" => ("read", 1_000, "read", batch),
        // $top of 999; filters of 15 ids, together in one $batch.
        "entra" => ("read", 999, "read", 15),
        // Pages of 200, of one bucket; GET /api/v1/users/{id} of another.
        "okta" => ("users", 200, "user", 1),
        _ => (word_of(OperationClass::Read), 500, word_of(OperationClass::Read), batch),
    };
    ShapedReads { list: list.to_owned(), page, look_up: look_up.to_owned(), ids: ids.max(1) }
}
