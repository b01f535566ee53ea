//! One instance in a context: is it in, and what do its variables make of it.

use std::sync::Arc;

use super::{environment, platform};
use crate::{
    diag::{Diagnostic, Diagnostics},
    lang::{
        conditions::{Conditions, Verdict, describe},
        instances::{Catalog, Instance, path},
        logic::{self, Stages},
        model::{Job, Need, Pipeline, Rule, RuleWhen},
        predefined::{self, JobVariables},
        variables::{Entry, JobScope, PipelineScope},
    },
    plan::{AllowFailure, Environment, PlanVariable, SkippedJob, VariableOrigin, When},
    platform::Arch,
};

/// What all drafts of a pipeline are made from.
pub(super) struct Drafting<'a> {
    pub(super) model: &'a Pipeline,
    pub(super) stages: &'a Stages<'a>,
    pub(super) conditions: &'a Conditions<'a>,
    pub(super) scope: &'a PipelineScope,
    pub(super) predefined: JobVariables,
    /// What of the scope may refer to other variables.
    pub(super) referring: &'a [Arc<str>],
}

/// An instance that is in the pipeline; its needs are still as written.
pub(super) struct Draft<'a> {
    pub(super) job: &'a Job,
    /// The rule that chose it.
    rule: Option<&'a Rule>,
    pub(super) stage: &'a str,
    pub(super) stage_index: u32,
    pub(super) when: When,
    pub(super) tags: Vec<String>,
    pub(super) arch: Option<Arch>,
    pub(super) environment: Option<Environment>,
    pub(super) resource_group: Option<String>,
    pub(super) variables: Vec<PlanVariable>,
    pub(super) reason: String,
}

impl<'a> Draft<'a> {
    /// The rule's needs, else the job's; with the keyword for messages.
    pub(super) fn needs(&self) -> (Option<&'a [Need]>, &'static str) {
        match self.rule.and_then(|rule| rule.needs.as_deref()) {
            Some(needs) => (Some(needs), "rules:needs"),
            None => (self.job.needs.as_deref(), "needs"),
        }
    }

    /// The rule's, else the job's, else what the job's own `when` implies: only there does `manual` allow failure.
    pub(super) fn allow_failure(&self) -> AllowFailure {
        let own_when = self.job.when.as_ref().map(|when| when.value);
        let implied = match own_when {
            Some(RuleWhen::Run(When::Manual)) => AllowFailure::Yes,
            _ => AllowFailure::No,
        };
        self.rule
            .and_then(|rule| rule.allow_failure.clone())
            .or_else(|| self.job.allow_failure.clone())
            .unwrap_or(implied)
    }

    /// The delay of a delayed job.
    pub(super) fn start_in(&self) -> Option<crate::time::Millis> {
        let delay = self
            .rule
            .and_then(|rule| rule.start_in)
            .or(self.job.start_in);
        delay.filter(|_| self.when == When::Delayed)
    }

    /// The rule's, else the job's.
    pub(super) fn interruptible(&self) -> bool {
        let ruled = self.rule.and_then(|rule| rule.interruptible);
        ruled.or(self.job.interruptible).unwrap_or(false)
    }

    /// Whether it stands in `.pre` or `.post`, which alone make no pipeline.
    pub(super) fn is_at_the_edge(&self) -> bool {
        matches!(self.stage, ".pre" | ".post")
    }
}

/// What rules or filters decided.
struct Choice<'a> {
    rule: Option<&'a Rule>,
    when: When,
    reason: String,
}

impl<'a> Drafting<'a> {
    /// One entry an instance of the catalog, `None` for those left out, and what is to be said of these.
    pub(super) fn all(
        &self,
        catalog: &Catalog<'a>,
        sink: &mut Diagnostics,
    ) -> (Vec<Option<Draft<'a>>>, Vec<SkippedJob>) {
        let mut skipped = Vec::new();
        let mut drafts = Vec::with_capacity(catalog.all.len());
        for instance in &catalog.all {
            let draft = match self.one(instance, sink) {
                Ok(Ok(draft)) => Some(draft),
                Ok(Err(reason)) => {
                    let name = instance.name.clone();
                    skipped.push(SkippedJob { name, reason });
                    None
                }
                Err(error) => {
                    sink.push(*error);
                    None
                }
            };
            drafts.push(draft);
        }
        (drafts, skipped)
    }

    /// The draft, or why there is none.
    fn one(
        &self,
        instance: &Instance<'a>,
        sink: &mut Diagnostics,
    ) -> Result<Result<Draft<'a>, String>, Box<Diagnostic>> {
        let job = instance.job;
        let stage = logic::stage(job);
        let mut scope = self.job_scope(instance, stage);
        if let Some(environment) = &job.environment {
            environment::enter(environment, &mut scope);
        }
        let choice = match self.choose(job, &scope)? {
            Ok(choice) => choice,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(rule) = choice.rule.filter(|rule| !rule.variables.is_empty()) {
            scope
                .own
                .extend(logic::declared(&rule.variables, VariableOrigin::Job));
            scope.refresh();
        }
        let expanded = scope.check(self.referring);
        expanded.map_err(|error| {
            Box::new(logic::expansion_error(
                path(job, "variables"),
                &error,
                Some(job),
                self.model,
            ))
        })?;
        let tags: Vec<String> = job
            .tags
            .iter()
            .map(|tag| scope.expand(&tag.value))
            .collect();
        let arch = platform::decide(instance, &tags)?;
        if let Some(arch) = arch {
            predefined::arch(&mut scope.predefined, arch);
            scope.refresh();
        }
        if choice.when == When::Manual {
            predefined::set(&mut scope.predefined, "CI_JOB_MANUAL", "true");
        }
        let environment = match &job.environment {
            Some(environment) => {
                let expanded = environment::enter(environment, &mut scope);
                environment::check(environment, &expanded, job, sink);
                Some(expanded)
            }
            None => None,
        };
        let group = job.resource_group.as_ref();
        Ok(Ok(Draft {
            job,
            rule: choice.rule,
            stage,
            stage_index: self.stages.of(job).unwrap_or_default(),
            when: choice.when,
            tags,
            arch,
            environment,
            resource_group: group.map(|group| scope.expand(&group.value)),
            variables: scope.to_plan(),
            reason: choice.reason,
        }))
    }

    /// The variables that rules see: the file's, the matrix values over the job's own, what is predefined.
    fn job_scope(&self, instance: &Instance<'a>, stage: &str) -> JobScope<'a> {
        let job = instance.job;
        let mut scope = JobScope::new(self.scope, &job.inherit_variables);
        scope.predefined = self.predefined.of(instance, stage);
        if let Some(arch) = instance.arch {
            predefined::arch(&mut scope.predefined, arch);
        }
        scope.own = logic::declared(&job.variables, VariableOrigin::Job);
        for (name, value) in &instance.axes {
            scope
                .own
                .insert((*name).into(), Entry::plain(*value, VariableOrigin::Job));
        }
        scope
    }

    /// How the job is in, or why it isn't.
    fn choose(
        &self,
        job: &'a Job,
        scope: &JobScope<'_>,
    ) -> Result<Result<Choice<'a>, String>, Box<Diagnostic>> {
        let own_when = job
            .when
            .as_ref()
            .map_or(RuleWhen::Run(When::OnSuccess), |when| when.value);
        let Some(rules) = &job.rules else {
            let workflow_rules = self.model.workflow.rules.is_some();
            let Verdict { included, reason } =
                self.conditions.filter(job, scope, workflow_rules)?;
            return Ok(match own_when {
                _ if !included => Err(reason),
                RuleWhen::Never => Err("the job says `when: never`".to_owned()),
                RuleWhen::Run(when) => Ok(Choice {
                    rule: None,
                    when,
                    reason,
                }),
            });
        };
        let Some(at) = self
            .conditions
            .first_match(rules, scope, path(job, "rules"))?
        else {
            return Ok(Err("no rule matches".to_owned()));
        };
        let rule = &rules[at];
        let which = format!("rule {} of {}", at + 1, rules.len());
        Ok(
            match rule.when.as_ref().map_or(own_when, |when| when.value) {
                RuleWhen::Never => Err(format!("{which} says never: {}", describe(rule))),
                RuleWhen::Run(when) => Ok(Choice {
                    rule: Some(rule),
                    when,
                    reason: format!("{which}: {}", describe(rule)),
                }),
            },
        )
    }
}
