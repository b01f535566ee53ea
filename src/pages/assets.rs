//! Files that pages load, under addresses that change with their content.

use std::{borrow::Cow, sync::LazyLock};

use sha2::{Digest as _, Sha256};

use crate::log::palette;

/// A file that pages load.
#[derive(Debug)]
pub struct Asset {
    /// Its address; another content has another one.
    pub url: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub body: Cow<'static, [u8]>,
}

/// All of them.
static ALL: LazyLock<[(&str, Asset); 4]> = LazyLock::new(|| {
    let css = include_str!("assets/app.css").to_owned() + &palette::CSS;
    [
        asset("app.css", "text/css; charset=utf-8", css.into_bytes()),
        asset(
            "app.js",
            "text/javascript; charset=utf-8",
            include_bytes!("assets/app.js").as_slice(),
        ),
        asset(
            "log.js",
            "text/javascript; charset=utf-8",
            include_bytes!("assets/log.js").as_slice(),
        ),
        asset(
            "favicon.svg",
            "image/svg+xml",
            include_bytes!("assets/favicon.svg").as_slice(),
        ),
    ]
});

fn asset(
    name: &'static str,
    content_type: &'static str,
    body: impl Into<Cow<'static, [u8]>>,
) -> (&'static str, Asset) {
    let body = body.into();
    let hash = hex::encode(Sha256::digest(&body));
    let asset = Asset {
        url: format!("/static/{}/{name}", &hash[..16]),
        content_type,
        body,
    };
    (name, asset)
}

/// The one at an address.
pub fn find(url: &str) -> Option<&'static Asset> {
    ALL.iter()
        .map(|(_, asset)| asset)
        .find(|asset| asset.url == url)
}

/// The address of a file.
pub(crate) fn url(name: &str) -> &'static str {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, asset)| &asset.url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_an_address_of_its_content() {
        for (name, asset) in ALL.iter() {
            assert!(std::ptr::eq(find(url(name)).unwrap(), asset), "{name}");
            assert!(!asset.body.is_empty());
        }
        assert!(find("/static/0000000000000000/app.css").is_none());
        assert_eq!(url("none"), "");
    }
}
