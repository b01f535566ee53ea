//! `aqueduct context`.

use serde_json::json;

use crate::{
    args::{ContextCommand, Output},
    error::CliError,
    exit::Exit,
    output,
    remote::{Context, Contexts},
    render::{stdout_color, table},
};

/// Does what it says.
pub(crate) fn run(command: &ContextCommand) -> Result<Exit, CliError> {
    let mut contexts = Contexts::load()?;
    match command {
        ContextCommand::Add(args) => {
            contexts.add(&args.name, Context::new(args)?)?;
        }
        ContextCommand::Use(args) => contexts.select(&args.name)?,
        ContextCommand::Remove(args) => contexts.remove(&args.name)?,
        ContextCommand::List(args) => return list(&contexts, args.output),
    }
    contexts.save()?;
    output::note(&contexts.current_name().map_or_else(
        || "no context is in use; `aqueduct context use NAME` chooses one".to_owned(),
        |name| format!("context {name} is in use"),
    ));
    Ok(Exit::Success)
}

/// Without the tokens.
fn list(contexts: &Contexts, format: Output) -> Result<Exit, CliError> {
    let used = |name: &str| contexts.current_name() == Some(name);
    if format == Output::Json {
        let all: Vec<_> = contexts
            .all()
            .map(|(name, one)| json!({"name": name, "url": one.url, "in_use": used(name)}))
            .collect();
        output::json_line(&all)?;
        return Ok(Exit::Success);
    }
    let rows: Vec<_> = contexts
        .all()
        .map(|(name, one)| {
            let mark = if used(name) { "*" } else { "" };
            [mark.into(), name.into(), one.url.as_str().into()]
        })
        .collect();
    output::text(&table(["", "NAME", "URL"], &rows, stdout_color()))?;
    Ok(Exit::Success)
}
