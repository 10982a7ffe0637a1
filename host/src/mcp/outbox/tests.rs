//! Which messages go out, on both kinds of sink.

use super::*;
use futures::FutureExt as _;
use rmcp::model::{EmptyResult, ServerResult};
use serde_json::json;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncReadExt as _};

type Client = Pin<Box<dyn AsyncRead + Send>>;

/// An outbox for each kind of sink, with what its client reads from.
fn both() -> [(Arc<Outbox>, Client); 2] {
    let (pipe, receiver) = tokio::net::unix::pipe::pipe().unwrap();
    let (stream, other_end) = tokio::io::duplex(64 * 1024);
    [
        (Outbox::new(Sink::pipe(pipe)), Box::pin(receiver)),
        (Outbox::new(Sink::stream(stream)), Box::pin(other_end)),
    ]
}

fn answer(id: i64) -> TxJsonRpcMessage<RoleServer> {
    JsonRpcMessage::response(ServerResult::EmptyResult(EmptyResult {}), RequestId::Number(id))
}

/// What the client reads until the outbox, which is closed, is gone.
async fn written(outbox: Arc<Outbox>, mut client: Client) -> String {
    outbox.close();
    let writing = tokio::spawn(outbox.write());
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    writing.await.unwrap();
    text
}

#[tokio::test]
async fn an_answer_is_written_once_and_only_for_an_open_request() {
    for (outbox, client) in both() {
        assert!(outbox.open(&RequestId::Number(1)).is_some());
        assert!(outbox.open(&RequestId::Number(1)).is_none());
        for id in [1, 1, 2] {
            outbox.send(&answer(id)).unwrap();
        }
        assert_eq!(written(outbox, client).await, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    }
}

#[tokio::test]
async fn nothing_is_written_for_a_cancelled_request_and_its_id_is_free_only_after_its_work() {
    for (outbox, client) in both() {
        let id = RequestId::Number(1);
        let cancel = outbox.open(&id).unwrap();
        outbox.cancel(&id);
        cancel.notified().await;
        outbox.report(&id, &json!("progress"));
        assert!(outbox.open(&id).is_none());
        outbox.send(&answer(1)).unwrap();
        assert!(outbox.open(&id).is_some());
        assert_eq!(written(outbox, client).await, "");
    }
}

#[tokio::test]
async fn a_broken_output_fails_every_later_send_and_wakes_the_reader() {
    for (outbox, client) in both() {
        drop(client);
        outbox.refuse(&json!("x"), true).unwrap();
        let ((), ()) = tokio::join!(Arc::clone(&outbox).write(), outbox.closed());
        assert!(outbox.refuse(&json!("x"), true).is_err());
        assert!(outbox.room().await.is_err());
    }
}

#[tokio::test]
async fn an_output_that_breaks_where_an_answer_is_made_ends_the_writer_too() {
    let (outbox, mut client) = both().into_iter().next().unwrap();
    let writing = tokio::spawn(Arc::clone(&outbox).write());
    outbox.refuse(&json!("x"), true).unwrap();
    client.read_exact(&mut [0; 4]).await.unwrap();
    drop(client);
    outbox.refuse(&json!("x"), true).unwrap();
    assert!(outbox.closed().now_or_never().is_some());
    assert!(outbox.refuse(&json!("x"), true).is_err());
    writing.await.unwrap();
}

#[tokio::test]
async fn only_a_pipe_is_written_to_where_an_answer_is_made_and_only_when_it_goes_out_now() {
    for ((outbox, mut client), direct) in both().into_iter().zip([true, false]) {
        let _writing = tokio::spawn(Arc::clone(&outbox).write());
        // Once the client has read something, the writer has had its first turn, and the pipe is known as ready.
        for (now, left) in [(true, None), (true, Some(direct)), (false, Some(false)), (true, Some(direct))] {
            outbox.refuse(&json!("x"), now).unwrap();
            if let Some(written) = left {
                assert_eq!(outbox.lock().unwritten.left() == 0, written, "direct: {direct}, now: {now}");
            }
            client.read_exact(&mut [0; 4]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_reading() {
    for (outbox, mut client) in both() {
        outbox.refuse(&"x".repeat(UNWRITTEN_BYTES_MAX), true).unwrap();
        assert!(outbox.room().now_or_never().is_none());
        let _writing = tokio::spawn(Arc::clone(&outbox).write());
        let reading = tokio::spawn(async move {
            tokio::io::copy(&mut client, &mut tokio::io::sink()).await.unwrap();
        });
        outbox.room().await.unwrap();
        reading.abort();
    }
}
