//! Registration: its begin, its check, its end (runner-protocol 2).

use aqueduct_core::api::runner::{
    Info, Secret, http,
    lifecycle::{Register, Registered, TokenOnly, Verify},
};
use reqwest::{Method, StatusCode};

use crate::{
    api::{Api, refused},
    error::ClientError,
};

/// A runner's registration on a server.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The server.
    pub api: Api,
    /// The token: of the runner, or to register with.
    pub token: Secret,
    /// Which machine or process.
    pub system_id: String,
}

impl Registration {
    /// Exchanges a registration token for a runner's own.
    ///
    /// # Errors
    /// If the server refuses, or can't be reached.
    pub async fn register(&self, settings: Register) -> Result<Registered, ClientError> {
        let body = Register {
            token: self.token.clone(),
            ..settings
        };
        let make = || {
            let request = self.api.request(Method::POST, http::RUNNERS);
            request
                .header(http::RUNNER_TOKEN, self.token.expose())
                .json(&body)
        };
        self.api.json("register", make, StatusCode::CREATED).await
    }

    /// Asks whether the runner's token is valid, and tells what the runner is.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with 403 if it isn't.
    pub async fn verify(&self, info: Info) -> Result<Registered, ClientError> {
        let body = Verify {
            token: self.token.clone(),
            system_id: self.system_id.clone(),
            info,
        };
        let make = || {
            let request = self.api.request(Method::POST, http::VERIFY);
            request
                .header(http::RUNNER_TOKEN, self.token.expose())
                .json(&body)
        };
        self.api.json("verify", make, StatusCode::OK).await
    }

    /// Ends the registration: of this machine alone where the token was made on the server, of the runner otherwise.
    ///
    /// # Errors
    /// If the server refuses, or can't be reached.
    pub async fn unregister(&self) -> Result<(), ClientError> {
        let of_server = self.token.expose().starts_with("glrt-");
        let (path, system_id) = if of_server {
            (http::MANAGERS, self.system_id.clone())
        } else {
            (http::RUNNERS, String::new())
        };
        let body = TokenOnly {
            token: self.token.clone(),
            system_id,
        };
        let make = || {
            let request = self.api.request(Method::DELETE, path);
            request
                .header(http::RUNNER_TOKEN, self.token.expose())
                .json(&body)
        };
        let response = self.api.send("unregister", make).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(refused("unregister", response).await)
    }
}
