//! Compiles the configuration of a commit, fetching from the mirror what it asks for.

use aqueduct_core::{
    diag::{LintReport, ReportItem},
    id::ProjectId,
    lang::{
        self, Compilation, CompileRequest, Compiled, ENTRIES, Found, LONGEST_FILE, SourceRequest,
        Sources, context::Context,
    },
    plan::Plan,
    sched::{RUNNER_KEYWORDS, keyword},
};
use aqueduct_ports::git::{GitError, Mirrors, Since};

use super::handle::Trouble;

/// Most times that a compilation may ask for more. Includes nest a hundred deep at most.
const ROUNDS: usize = 500;

/// A commit of a project's mirror.
pub(super) struct Tree<'m> {
    pub(super) mirrors: &'m dyn Mirrors,
    pub(super) project: ProjectId,
    pub(super) sha: &'m str,
}

impl Tree<'_> {
    /// The pipeline file: its path and its bytes.
    pub(super) async fn entry(&self) -> Result<Option<(&'static str, Vec<u8>)>, GitError> {
        let paths = ENTRIES.map(str::to_owned);
        let found = self.read(&paths).await?;
        let mut found = ENTRIES.into_iter().zip(found);
        Ok(found.find_map(|(path, bytes)| Some((path, bytes?))))
    }

    async fn read(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        self.mirrors
            .read(self.project, self.sha, paths, LONGEST_FILE)
            .await
    }

    /// Compiles `entry` with everything it includes at this commit.
    pub(super) async fn compile(
        &self,
        entry: Vec<u8>,
        context: Context,
    ) -> Result<Compilation, Trouble> {
        let mut sources = Sources::new();
        let path = context.config_path.clone();
        sources.insert(SourceRequest::Local(path.clone()), Some(entry));
        let mut request = CompileRequest {
            entry: path,
            context,
            inputs: std::iter::empty().collect(),
        };
        for _ in 0..ROUNDS {
            let done;
            // A hostile file may take a while, which must not keep other tasks from running.
            (done, request, sources) = tokio::task::spawn_blocking(move || {
                let done = lang::compile(&request, &sources);
                (done, request, sources)
            })
            .await
            .map_err(|error| {
                Trouble::Never(format!("the configuration can't be compiled: {error}"))
            })?;
            match done {
                Compiled::Done(compilation) => return Ok(compilation),
                Compiled::Need(wanted) => self.supply(wanted, &mut request, &mut sources).await?,
            }
        }
        Err(Trouble::Never(
            "the configuration asks for sources without end".into(),
        ))
    }

    async fn supply(
        &self,
        wanted: Vec<SourceRequest>,
        request: &mut CompileRequest,
        sources: &mut Sources,
    ) -> Result<(), GitError> {
        let (files, others): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|wanted| matches!(wanted, SourceRequest::Local(_)));
        let paths: Vec<String> = files.iter().map(|file| file.name().to_owned()).collect();
        let contents = if paths.is_empty() {
            Vec::new()
        } else {
            self.read(&paths).await?
        };
        for (file, bytes) in files.into_iter().zip(contents) {
            sources.insert(file, bytes);
        }
        for other in others {
            let found = self.find(&other).await?;
            lang::supply(other, found, &mut request.context, sources);
        }
        Ok(())
    }

    async fn find(&self, wanted: &SourceRequest) -> Result<Found, GitError> {
        let (mirrors, project, sha) = (self.mirrors, self.project, self.sha);
        Ok(match wanted {
            SourceRequest::Local(_) => Found::Nothing,
            SourceRequest::Files => Found::Paths(mirrors.files(project, sha).await?),
            SourceRequest::Template(name) => lang::template(name)
                .map_or(Found::Nothing, |text| Found::File(text.as_bytes().to_vec())),
            SourceRequest::Changes(name) => {
                let since = Since::MergeBase(name.clone());
                let changed = mirrors.changed(project, &since, sha).await?;
                changed.map_or(Found::Nothing, Found::Paths)
            }
        })
    }
}

/// Why there is nothing to run although nothing is wrong.
pub(super) fn nothing_to_run(compilation: &Compilation, plan: &Plan) -> Option<String> {
    if plan.pipeline.run && !plan.jobs.is_empty() {
        return None;
    }
    let warnings = compilation.report().warnings;
    let why = warnings.last().map(|warning| warning.message.clone());
    Some(why.unwrap_or_else(|| "no job is to be run".into()))
}

/// Keywords that change what executes and that neither this version nor any runner can execute: better no pipeline than another one
/// than was meant.
pub(super) fn unsupported(plan: &Plan) -> Option<LintReport> {
    let mut errors: Vec<ReportItem> = Vec::new();
    for job in &plan.jobs {
        let entries = job.unsupported.iter().map(String::as_str);
        let beyond: Vec<&str> = entries
            .filter(|entry| !RUNNER_KEYWORDS.contains(&keyword(entry)))
            .collect();
        if beyond.is_empty() {
            continue;
        }
        let message = format!(
            "job `{}` uses what this version can't run yet: {}",
            job.base,
            beyond.join(", ")
        );
        if errors.iter().all(|known| known.message != message) {
            errors.push(ReportItem {
                code: "unsupported".into(),
                message,
                file: None,
                line: None,
                column: None,
                help: None,
            });
        }
    }
    (!errors.is_empty()).then_some(LintReport {
        valid: false,
        errors,
        warnings: Vec::new(),
    })
}
