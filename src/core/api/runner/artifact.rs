//! Types of artifacts, how each is packed, and what its file is called (runner-protocol 5.1).

use std::fmt;

/// How an upload is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A zip archive.
    #[default]
    Zip,
    /// One gzip member for each file.
    Gzip,
    /// The one file as it is.
    Raw,
}

impl Format {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Raw => "raw",
        }
    }

    /// The format of that name; an empty one is zip, an unknown one none.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "" | "zip" => Some(Self::Zip),
            "gzip" => Some(Self::Gzip),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// What an upload called `name` is named; `file` is the one that a raw upload sends. An empty name is `default`.
    pub fn file_name(self, name: &str, file: &str) -> String {
        let name = if name.is_empty() { "default" } else { name };
        match self {
            Self::Zip => format!("{name}.zip"),
            Self::Gzip => format!("{name}.gz"),
            Self::Raw => file.rsplit('/').next().unwrap_or(file).to_owned(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Type of `artifacts:paths` and `untracked`.
pub const ARCHIVE: &str = "archive";
/// Type of the report whose lines become variables of later jobs.
pub const DOTENV: &str = "dotenv";

/// Reports whose format is gzip, with the name of their file.
const GZIP: &[(&str, &str)] = &[
    ("junit", "junit.xml"),
    ("cobertura", "cobertura-coverage.xml"),
    ("jacoco", "jacoco-coverage.xml"),
    (DOTENV, ".env"),
    ("metrics", "metrics.txt"),
    ("cyclonedx", "gl-sbom.cdx.json"),
    ("annotations", "gl-annotations.json"),
    ("repository_xray", "gl-repository-xray.json"),
];
/// Reports that are sent as they are.
const RAW: &[(&str, &str)] = &[
    ("codequality", "gl-code-quality-report.json"),
    ("accessibility", "gl-accessibility.json"),
    ("terraform", "tfplan.json"),
    ("performance", "performance.json"),
    ("browser_performance", "browser-performance.json"),
    ("load_performance", "load-performance.json"),
    ("requirements", "requirements.json"),
    ("requirements_v2", "requirements_v2.json"),
    ("sarif", "gl-sarif-report.sarif"),
    ("sast", "gl-sast-report.json"),
    ("secret_detection", "gl-secret-detection-report.json"),
    ("dependency_scanning", "gl-dependency-scanning-report.json"),
    ("container_scanning", "gl-container-scanning-report.json"),
    (
        "cluster_image_scanning",
        "gl-cluster-image-scanning-report.json",
    ),
    ("dast", "gl-dast-report.json"),
    ("license_scanning", "gl-license-scanning-report.json"),
    ("api_fuzzing", "gl-api-fuzzing-report.json"),
    ("coverage_fuzzing", "gl-coverage-fuzzing.json"),
];
/// Reports that are zip archives.
const ZIP: &[(&str, &str)] = &[("lsif", "lsif.json"), ("scip", "index.scip")];

/// Format and file name of a report; one that is unknown here goes as gzip, which takes any number of files.
pub fn report(kind: &str) -> (Format, String) {
    let tables = [(Format::Gzip, GZIP), (Format::Raw, RAW), (Format::Zip, ZIP)];
    for (format, table) in tables {
        if let Some((_, name)) = table.iter().find(|(known, _)| *known == kind) {
            return (format, (*name).to_owned());
        }
    }
    (Format::Gzip, format!("{kind}.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_packed_and_called_as_gitlab_does() {
        for (kind, format, file) in [
            ("junit", Format::Gzip, "junit.xml.gz"),
            ("dotenv", Format::Gzip, ".env.gz"),
            ("codequality", Format::Raw, "out.json"),
            ("lsif", Format::Zip, "lsif.json.zip"),
        ] {
            let (found, name) = report(kind);
            assert_eq!(found, format, "{kind}");
            assert_eq!(found.file_name(&name, "reports/out.json"), file);
            assert_eq!(Format::parse(found.name()), Some(found));
        }
        assert_eq!(Format::Zip.file_name("", ""), "default.zip");
        assert_eq!(Format::parse("tarzstd"), None);
    }
}
