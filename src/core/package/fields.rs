//! Core metadata as the fields of the legacy upload form.

use super::{DistributionName, Metadata};

/// How a metadata field is called in the form, and since which metadata version it is meant.
#[derive(Clone, Copy)]
struct Mapping {
    metadata: &'static str,
    form: &'static str,
    many: bool,
    since: (u32, u32),
}

const fn one(metadata: &'static str, form: &'static str) -> Mapping {
    Mapping {
        metadata,
        form,
        many: false,
        since: (1, 0),
    }
}

const fn many(metadata: &'static str, form: &'static str) -> Mapping {
    Mapping {
        metadata,
        form,
        many: true,
        since: (1, 0),
    }
}

const fn since(mapping: Mapping, version: (u32, u32)) -> Mapping {
    Mapping {
        since: version,
        ..mapping
    }
}

/// The form's names are not a pattern: a misspelt field is ignored by servers without a word.
const MAPPINGS: &[Mapping] = &[
    one("Summary", "summary"),
    one("Home-page", "home_page"),
    one("Download-URL", "download_url"),
    one("Author", "author"),
    one("Author-email", "author_email"),
    one("Maintainer", "maintainer"),
    one("Maintainer-email", "maintainer_email"),
    one("License", "license"),
    since(one("License-Expression", "license_expression"), (2, 4)),
    since(many("License-File", "license_file"), (2, 4)),
    one("Keywords", "keywords"),
    many("Classifier", "classifiers"),
    many("Platform", "platform"),
    many("Supported-Platform", "supported_platform"),
    one("Description-Content-Type", "description_content_type"),
    many("Project-URL", "project_urls"),
    many("Provides-Extra", "provides_extra"),
    many("Requires-Dist", "requires_dist"),
    many("Provides-Dist", "provides_dist"),
    many("Obsoletes-Dist", "obsoletes_dist"),
    many("Requires-External", "requires_external"),
    since(many("Dynamic", "dynamic"), (2, 2)),
    since(many("Import-Name", "import_names"), (2, 5)),
    since(many("Import-Namespace", "import_namespaces"), (2, 5)),
];

/// All fields of the upload form but the digests and the file itself, in a fixed order.
pub fn form_fields(name: &DistributionName, metadata: &Metadata) -> Vec<(&'static str, String)> {
    let get = |field| metadata.get(field).unwrap_or_default().to_owned();
    let mut out = vec![
        (":action", "file_upload".to_owned()),
        ("protocol_version", "1".into()),
        ("metadata_version", get("Metadata-Version")),
        ("name", get("Name")),
        ("version", get("Version")),
        ("filetype", name.filetype().into()),
        ("pyversion", name.pyversion().into()),
    ];
    let version = metadata.version();
    for mapping in MAPPINGS.iter().filter(|mapping| version >= mapping.since) {
        let limit = if mapping.many { usize::MAX } else { 1 };
        let values = metadata.all(mapping.metadata).take(limit);
        out.extend(values.map(|value| (mapping.form, value.to_owned())));
    }
    // Some servers insist on the field even where it is empty.
    out.push(("requires_python", get("Requires-Python")));
    if let Some(description) = &metadata.description {
        out.push(("description", description.clone()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn irregular_names_and_versions_of_the_form() {
        let text = "Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nClassifier: A\nClassifier: B\n\
            License-File: LICENSE\nPlatform: any\nProject-URL: Home, https://x\nDynamic: y\n\nbody";
        let name: DistributionName = "demo-1.0-py3-none-any.whl".parse().unwrap();
        let fields = form_fields(&name, &Metadata::parse(text));
        insta::assert_debug_snapshot!(fields);
        let newer = Metadata::parse(&text.replace("2.1", "2.4"));
        let names: Vec<&str> = form_fields(&name, &newer)
            .iter()
            .map(|(name, _)| *name)
            .collect();
        assert!(names.contains(&"license_file") && names.contains(&"dynamic"));
    }
}
