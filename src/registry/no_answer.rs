//! Why a server gave no answer, in words that name what stood in between: a proxy, a certificate nobody vouches for.

use std::{env, error::Error, fs::File, io};

use hyper_util::client::proxy::matcher::Matcher;
use rustls::CertificateError;

use crate::client::is_loopback;

/// What to do about a certificate that nobody vouches for.
pub const TRUST_HINT: &str = "name a file that holds its authority's certificate in SSL_CERT_FILE";

/// Why there was no answer, or only the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// The cause in lower case. Holds no login, neither of the server nor of a proxy.
    pub cause: String,
    /// Whether the server's certificate was refused: it will be the next time, too.
    pub untrusted: bool,
}

impl NoAnswer {
    /// What happened last says why; the errors above it only where.
    pub fn of(error: &reqwest::Error) -> Self {
        if let Some(refused) = refused_certificate(error) {
            return Self {
                cause: untrusted(refused),
                untrusted: true,
            };
        }
        let cause = if error.is_timeout() {
            "no answer in time".into()
        } else {
            innermost(error).to_string().to_lowercase()
        };
        let proxy = proxy_of(error).filter(|_| error.is_connect() || error.is_timeout());
        Self {
            cause: match proxy {
                Some(proxy) => format!("through the proxy {proxy} of the environment: {cause}"),
                None => cause,
            },
            untrusted: false,
        }
    }
}

/// Why there is no client at all.
pub fn no_client(error: &reqwest::Error) -> String {
    let roots = unreadable_roots().unwrap_or_default();
    format!("can't set up TLS: {}{roots}", innermost(error))
}

fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last
}

/// The proxy that a failed request was sent through, by the same rules as it was.
fn proxy_of(error: &reqwest::Error) -> Option<String> {
    let url = error.url()?;
    if is_loopback(url.host_str()?) {
        return None;
    }
    let proxy = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
    Some(proxy.uri().to_string())
}

/// The certificate's fault, if it is one.
fn refused_certificate<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault);
        }
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            // Its `source` would pass over what it holds.
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

fn untrusted(fault: &CertificateError) -> String {
    let fault = match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".into()
        }
        CertificateError::UnknownIssuer => "is of an authority that is not trusted here".into(),
        other => format!("is refused: {other}"),
    };
    let roots = unreadable_roots().unwrap_or_default();
    format!("the server's certificate {fault}{roots}")
}

/// Trust that was meant to be there: the library only leaves out what it can't read.
fn unreadable_roots() -> Option<String> {
    let path = env::var_os("SSL_CERT_FILE")?;
    let error = File::open(&path).err()?;
    Some(format!(
        "; SSL_CERT_FILE names {}, which can't be read: {error}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_certificate_is_found_in_the_chain() {
        let table = [
            (
                CertificateError::UnknownIssuer,
                "the server's certificate is of an authority that is not trusted here",
            ),
            (
                CertificateError::NotValidForName,
                "the server's certificate is for another name",
            ),
            (
                CertificateError::Expired,
                "the server's certificate has expired",
            ),
        ];
        for (fault, told) in table {
            let tls = rustls::Error::InvalidCertificate(fault.clone());
            let chain = io::Error::other(io::Error::other(tls));
            assert_eq!(refused_certificate(&chain), Some(&fault));
            assert!(untrusted(&fault).starts_with(told), "{}", untrusted(&fault));
        }
        let other = io::Error::other(rustls::Error::EncryptError);
        assert_eq!(refused_certificate(&other), None);
    }
}
