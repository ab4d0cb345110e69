//! The scripted model by hand: `cargo run -p tests --example model -- script.toml [PORT]` (see `tests::model`).

use tests::model::{Model, Script};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else { anyhow::bail!("say which script: model script.toml [PORT]") };
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let model = Model::start_at(Script::parse(&std::fs::read_to_string(path)?)?, port);
    println!("{}", model.url());
    for n in 0.. {
        println!("{}", model.nth(n));
    }
    Ok(())
}
