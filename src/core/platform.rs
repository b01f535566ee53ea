//! Architectures and platforms under the names each world gives them.
//!
//! OCI and Go say `amd64`, the kernel and wheels say `x86_64`, Kubernetes labels say `amd64`
//! (OCI image-spec 1.1, "image index", property `platform`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An instruction set that jobs can be pinned to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// All of them, in the order an index lists them.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// Accepts the canonical names and the aliases of design section 4, case-insensitively.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "amd64" | "x86" | "x86-64" | "x86_64" => Some(Self::Amd64),
            "arm64" | "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// The OCI, Go and Kubernetes name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The kernel's and the wheels' name.
    pub const fn uname(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// `e_machine` of an ELF header.
    pub const fn elf_machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Operating system, architecture and variant of an image, as in an OCI index entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// The OCI name of the architecture: `amd64`, `arm64`, `s390x`, …
    pub architecture: String,
    /// `v7`, `v8`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on `arch`.
    pub fn linux(arch: Arch) -> Self {
        Self {
            os: "linux".into(),
            architecture: arch.as_str().into(),
            variant: None,
        }
    }

    /// Reads `os/architecture[/variant]`; architecture aliases are normalised.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (os, architecture) = (parts.next()?, parts.next()?);
        let variant = parts.next().map(str::to_owned);
        if os.is_empty() || architecture.is_empty() || parts.next().is_some() {
            return None;
        }
        let architecture = Arch::parse(architecture).map_or_else(
            || architecture.to_ascii_lowercase(),
            |arch| arch.as_str().to_owned(),
        );
        Some(Self {
            os: os.to_ascii_lowercase(),
            architecture,
            variant,
        })
    }

    /// The architecture, if it is one that jobs can be pinned to.
    pub fn arch(&self) -> Option<Arch> {
        Arch::parse(&self.architecture)
    }

    /// The form to compare with: `arm64` means `arm64/v8`, `arm` means `arm/v7`, `amd64` means `amd64/v1`.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let default = match self.architecture.as_str() {
            "arm64" => Some("v8"),
            "arm" => Some("v7"),
            "amd64" => Some("v1"),
            _ => None,
        };
        let mut out = self.clone();
        out.variant = out.variant.or_else(|| default.map(str::to_owned));
        out
    }

    /// Whether both name the same platform once default variants are filled in.
    pub fn matches(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_mean_the_same_architecture() {
        for text in ["amd64", "x86", "x86-64", "x86_64", "X86_64"] {
            assert_eq!(Arch::parse(text), Some(Arch::Amd64), "{text}");
        }
        assert_eq!(Arch::parse("aarch64"), Some(Arch::Arm64));
        assert_eq!(Arch::parse("riscv64"), None);
    }

    #[test]
    fn default_variants_are_equal_to_none() {
        let plain = Platform::parse("linux/arm64").unwrap();
        assert!(plain.matches(&Platform::parse("linux/aarch64/v8").unwrap()));
        assert!(!plain.matches(&Platform::parse("linux/arm64/v9").unwrap()));
        assert_eq!(Platform::parse("linux"), None);
        assert_eq!(Platform::parse("linux/amd64/v1/x"), None);
    }
}
