//! One TLS provider for every client.
//!
//! Several crates here bring rustls, and some of them a second provider; with two in the build rustls refuses to choose
//! and the Slack client would panic at its first connection. Choosing once, before any client exists, settles it.

/// Makes ring the provider of the process. A second call changes nothing.
pub fn install_provider() {
    // An error means that somebody installed one already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use slack_morphism::prelude::{SlackClient, SlackClientHyperConnector};

    #[tokio::test]
    async fn the_clients_of_all_platforms_can_be_built_in_one_process() {
        super::install_provider();
        let _slack = SlackClient::new(SlackClientHyperConnector::new().expect("the Slack client is built"));
        let _discord = serenity::http::Http::new("token");
        octocrab::Octocrab::builder().build().expect("the GitHub client is built");
    }
}
