//! `secrets` and `id_tokens`: variables that somebody else fills.

/// One entry of `id_tokens`: a token signed for whoever it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// Whom it is for; not empty, variables unexpanded.
    pub aud: Vec<String>,
}

/// One entry of `secrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Who keeps it.
    pub source: SecretSource,
    /// Whether the variable holds the path of a file with the value.
    pub file: bool,
    /// The id token to ask with, as `$NAME`.
    pub token: Option<String>,
}

/// Who keeps a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// HashiCorp Vault.
    Vault,
    /// Google Cloud Secret Manager.
    GcpSecretManager,
    /// Azure Key Vault.
    AzureKeyVault,
    /// AWS Secrets Manager.
    AwsSecretsManager,
    /// GitLab's own.
    GitlabSecretsManager,
}
