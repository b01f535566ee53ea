//! The host executor against the conformance suite.

use std::sync::Arc;

use crate::support::{Directories, processes};
use aqueduct_core::plan::Image;
use aqueduct_exec::host::{HostConfig, HostExecutor};
use aqueduct_ports::{
    conformance::executor::{Lacking, Subject},
    executor::{Executor, JobSpec},
};

struct Host {
    directories: Directories,
    executor: Arc<HostExecutor>,
}

impl Host {
    fn new() -> Self {
        let directories = Directories::new();
        let executor = Arc::new(HostExecutor::new(HostConfig::new(directories.state())));
        Self {
            directories,
            executor,
        }
    }
}

impl Subject for Host {
    fn executor(&self) -> Arc<dyn Executor> {
        self.executor.clone()
    }

    fn spec(&self, number: u32) -> JobSpec {
        self.directories.spec(number)
    }

    fn limits_memory(&self) -> bool {
        false
    }

    fn image_without(&self, _lacking: Lacking) -> Option<Image> {
        None
    }

    fn processes(&self, text: &str) -> usize {
        processes(text)
    }
}

aqueduct_ports::executor_conformance!(Host::new());
