//! Answers on a listener until told to stop.

use std::future::IntoFuture;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long answers under way may take once the stop was asked for. A little less than the 10 s after which most
/// supervisors kill, because other parts of the program stop at the same time.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(8);

/// Answers requests until `stop`, then takes no new ones and gives those under way 8 s to end.
///
/// Where the listener is bound is the caller's decision; there is no sign-in, so it is 127.0.0.1.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut serving = pin!(serving.into_future());
    tokio::select! {
        ended = &mut serving => return ended,
        () = stop.cancelled() => {}
    }
    match tokio::time::timeout(DRAIN_TIME_MAX, serving).await {
        Ok(ended) => ended,
        Err(_) => {
            tracing::warn!(
                "web: a connection was still open {} s after the stop, and is cut",
                DRAIN_TIME_MAX.as_secs()
            );
            Ok(())
        }
    }
}
