//! A browser without eyes: asks over a real connection, and reads pages as text.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::{WebSettings, WebState, router, serve};

use crate::office::Office;

/// The pages of an office, served until this is dropped.
pub struct Site {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub serving: JoinSet<std::io::Result<()>>,
}

/// One answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Site {
    pub async fn of(office: &Office) -> Self {
        Self::with(office, WebSettings::default()).await
    }

    pub async fn with(office: &Office, settings: WebSettings) -> Self {
        let (store, repositories) = (office.store.clone(), office.repositories.clone());
        let router = router(WebState { store, repositories, settings });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        serving.spawn(serve(listener, router, stop.clone()));
        Self { address, stop, serving }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("no end of the header");
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

impl Answer {
    /// What a person reads between the header and the footer, a line for each block.
    pub fn text(&self) -> String {
        let main = self.body.split("<main").nth(1).and_then(|rest| rest.split("</main>").next()).expect("no main part");
        let main = main.split_once('>').unwrap().1;
        let mut text = String::new();
        for (n, piece) in main.split('<').enumerate() {
            let (tag, words) = if n == 0 { ("", piece) } else { piece.split_once('>').unwrap() };
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            if matches!(
                name,
                "p" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "dt" | "section" | "pre" | "blockquote" | "summary"
            ) {
                text.push('\n');
            }
            if matches!(name, "th" | "td") {
                text.push(' ');
            }
            text.push_str(words);
        }
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        unescape(&(lines.join("\n") + "\n"))
    }

    /// Where the links of the page lead, within the site.
    pub fn links(&self) -> Vec<String> {
        self.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }
}

fn unescape(text: &str) -> String {
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
