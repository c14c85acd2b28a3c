use super::*;

#[test]
fn a_servers_line_break_cannot_forge_a_second_line() {
    let error = Error::new(ErrorKind::Protocol, "search").with_detail("bad\nDONE corp: all verified\0");
    assert_eq!(error.to_string(), "search: protocol: bad DONE corp: all verified");
}

#[test]
fn a_timeout_is_unknown_unless_its_maker_knows_better() {
    assert_eq!(Error::new(ErrorKind::Timeout, "x").status(), Status::Unknown);
    assert_eq!(Error::new(ErrorKind::PasswordRejected, "x").status(), Status::Permanent);
}

#[test]
fn debug_shows_the_chain_of_causes() {
    let cause = std::io::Error::other("the cable was cut");
    let error = Error::new(ErrorKind::Transport, "bind").with_source(cause);
    assert!(format!("{error:?}").contains("caused by: the cable was cut"));
}
