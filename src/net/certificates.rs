//! Trusted certificate authorities for TLS: those of the system, the bundled ones, and those of a
//! file.
//!
//! Start reading at [`CertificateStore`]. Selecting the authorities for a connection belongs to
//! `client`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::NetError;
use super::connect_timing::TimedSessionStore;

/// Variable that names a PEM file with further authorities for Node, in which Snyk's command line is
/// written.
const EXTRA_CERTIFICATES_VARIABLE: &str = "NODE_EXTRA_CA_CERTS";

/// Summary of the trusted authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaInfo {
    /// Number of trusted authorities, including the bundled ones.
    pub trusted_count: usize,
    /// Reason why the system's authorities are missing or incomplete.
    pub load_error: Option<String>,
}

/// Returns the summary of the authorities that network requests trust.
pub async fn load_ca_info() -> CaInfo {
    let store = tokio::task::spawn_blocking(CertificateStore::load_system).await;
    let store = store.unwrap_or_else(|error| CertificateStore {
        load_error: Some(error.to_string()),
        ..CertificateStore::empty()
    });
    CaInfo { trusted_count: store.roots.len(), load_error: store.load_error }
}

/// Certificate authorities, with the error from loading them.
#[derive(Clone)]
pub(super) struct CertificateStore {
    roots: RootCertStore,
    /// Reason why the system's authorities are missing or incomplete. It matters only when TLS
    /// fails.
    pub(super) load_error: Option<String>,
}

impl CertificateStore {
    /// Returns a store without authorities: for plain http on loopback, which needs no certificate
    /// file.
    pub(super) fn empty() -> Self {
        Self { roots: RootCertStore::empty(), load_error: None }
    }

    /// Loads the system's authorities (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), those of
    /// `NODE_EXTRA_CA_CERTS`, which Snyk's tools honor too, and the bundled ones. Loading needs up to 70 ms, so call this once and not before the first request.
    pub(super) fn load_system() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let mut errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let mut certificates = found.certs;
        if let Some(path) =
            std::env::var_os(EXTRA_CERTIFICATES_VARIABLE).filter(|path| !path.is_empty())
        {
            match read_extra_certificates(Path::new(&path)) {
                Ok(extra) => certificates.extend(extra),
                Err(error) => errors.push(error),
            }
        }
        Self::from_certificates(certificates, &errors)
    }

    /// Adds the authorities in a PEM file.
    pub(super) fn with_file(mut self, path: &Path) -> Result<Self, NetError> {
        let unreadable = |why: &str| {
            NetError::InvalidRequest(format!("certificate file {}: {why}", path.display()))
        };
        let certificates = read_pem_file(path).map_err(|error| unreadable(&error))?;
        match self.roots.add_parsable_certificates(certificates) {
            (0, _) => Err(unreadable("the file contains no certificate")),
            _ => Ok(self),
        }
    }

    /// Returns the TLS configuration. It names the `ring` provider explicitly, so that no
    /// process-wide provider is installed.
    pub(super) fn tls_config(&self) -> Result<ClientConfig, NetError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| NetError::InvalidRequest(error.to_string()))?;
        let mut config = builder.with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.resumption = Resumption::store(Arc::new(TimedSessionStore::new()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Combines the system's authorities with the bundled ones. A system without authorities, or
    /// with a broken file, still reaches every public host through the bundled ones; a company's
    /// own authority is among the system's.
    fn from_certificates(system: Vec<CertificateDer<'static>>, errors: &[String]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(system);
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        let load_error = (!errors.is_empty()).then(|| errors.join("; "));
        Self { roots, load_error }
    }
}

fn read_pem_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())
}

/// Reads the file that `NODE_EXTRA_CA_CERTS` names. A file that cannot be used does not stop a
/// request, as in Node; the error names it.
fn read_extra_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unusable = |why: &str| {
        format!("{EXTRA_CERTIFICATES_VARIABLE} names {}, which was not used: {why}", path.display())
    };
    let certificates = read_pem_file(path).map_err(|error| unusable(&error))?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(certificates.clone());
    if usable == 0 { Err(unusable("it contains no certificate")) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn the_extra_certificates_of_node_are_read_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("company.pem");
        let own = webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].as_ref();
        let own = base64::engine::general_purpose::STANDARD.encode(own);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{own}\n-----END CERTIFICATE-----\n");
        std::fs::write(&path, pem).unwrap();
        assert_eq!(read_extra_certificates(&path).map(|found| found.len()), Ok(1));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nno\n").unwrap();
        for path in [&path, &folder.path().join("absent.pem")] {
            let error = read_extra_certificates(path).unwrap_err();
            assert!(
                error.starts_with("NODE_EXTRA_CA_CERTS names ") && error.contains(".pem"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_machine_without_authorities_has_the_bundled_ones() {
        let store = CertificateStore::from_certificates(
            Vec::new(),
            &["cannot read /absent.pem".to_owned()],
        );
        assert!(store.roots.len() > 100);
        assert_eq!(store.load_error.as_deref(), Some("cannot read /absent.pem"));
        assert!(store.tls_config().is_ok());
    }

    #[test]
    fn a_broken_certificate_of_the_machine_does_not_hide_the_others() {
        let store = CertificateStore::from_certificates(
            vec![CertificateDer::from(b"no certificate".to_vec())],
            &[],
        );
        assert!(store.roots.len() > 100);
    }

    #[test]
    fn a_certificate_file_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "nothing of the kind").unwrap();
        for path in [&path, &folder.path().join("absent.pem")] {
            let error = CertificateStore::empty().with_file(path).err().unwrap();
            assert!(
                matches!(&error, NetError::InvalidRequest(why) if why.contains(".pem")),
                "{error}"
            );
        }
    }
}
