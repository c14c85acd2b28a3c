//! Plans made from a directory in memory.
