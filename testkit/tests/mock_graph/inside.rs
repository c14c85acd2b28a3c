//! The mock without sockets.

use bytes::Bytes;
use http::Request;
use testkit::mock_graph::fixed;
use tower_service::Service as _;

use crate::client::{Inside, described};

#[tokio::test(start_paused = true)]
async fn it_is_a_tower_service_with_two_addresses() {
    let mock = described().build();
    let mut service = mock.in_process();
    let login = Request::get(format!("{}/nowhere", mock.login_url())).body(Bytes::new()).unwrap();
    assert_eq!(service.call(login).await.unwrap().status(), 404);
    let graph = Request::get(format!("{}/v1.0/users", mock.graph_url())).body(Bytes::new()).unwrap();
    assert_eq!(service.call(graph).await.unwrap().status(), 401);
    let elsewhere = Request::get("http://graph.microsoft.com/v1.0/users").body(Bytes::new()).unwrap();
    assert_eq!(service.call(elsewhere).await.unwrap_err().kind(), std::io::ErrorKind::AddrNotAvailable);
    assert_eq!((mock.counts().requests, mock.counts().token_requests), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn links_lead_back_to_it() {
    let mock = described().build();
    let inside = Inside::new(&mock).await;
    let reply = inside.send("GET", "/users?$top=5&$select=id", None).await.unwrap();
    let next = reply.body["@odata.nextLink"].as_str().unwrap().strip_prefix(mock.graph_url()).unwrap();
    let next = inside.send("GET", next.strip_prefix("/v1.0").unwrap(), None).await.unwrap();
    assert_eq!(next.rows().len(), 5);
    let user = mock.user(fixed::ORDINARY).unwrap().id;
    assert_eq!(inside.set(user, "Zq7-bcdfghjkmnp").await.status, 204);
    assert_eq!(mock.sign_in(&user, "Zq7-bcdfghjkmnp"), Ok(()));
}
