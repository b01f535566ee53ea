//! Python distributions: names, versions, metadata, index pages and the rules that bind them. Pure: archives are read
//! elsewhere, their members come in as values.

mod check;
mod fields;
mod filename;
mod html;
mod metadata;
mod page;
mod platform_tag;
mod release;
mod version;
mod wheel;

pub use check::{Member, SdistContents, WheelContents, check_sdist, check_wheel};
pub use fields::form_fields;
pub use filename::{DistributionName, FilenameError, SdistName, WheelName, normalize_name};
pub use metadata::Metadata;
pub use page::{ListedFile, PageError, PageFile, parse_page, project_page, root_page};
pub use platform_tag::{machine_of_tag, machines_of_tags};
pub use release::{ReleaseFile, check_release, public_objections};
pub use version::{Version, VersionError};
pub use wheel::{RecordEntry, parse_record, wheel_tags};
