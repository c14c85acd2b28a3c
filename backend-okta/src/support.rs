//! Whether an action works on an account, said before anything is touched.
