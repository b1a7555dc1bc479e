//! Where the API is for the world, for the URLs that it hands out.

use crate::{config, error::ApiError};
use lambda_http::{Request, RequestExt, request::RequestContext};

/// Stands for the API's id in `PUBLIC_URL`: the local stack has it in its path, and knows it only once it is deployed.
const API_ID: &str = "{api}";

/// The API's address.
pub struct PublicUrl {
    configured: Option<String>,
}

impl PublicUrl {
    /// What `PUBLIC_URL` says; if it is not set, the domain that each request came to.
    #[must_use]
    pub fn from_env() -> Self {
        Self { configured: config::optional("PUBLIC_URL") }
    }

    /// The address, without a slash at its end. It comes from the gateway, never from a header of the client's.
    ///
    /// # Errors
    /// 500 if the gateway does not say.
    pub fn of(&self, request: &Request) -> Result<String, ApiError> {
        let Some(RequestContext::ApiGatewayV2(gateway)) = request.request_context_ref() else {
            return Err(ApiError::internal("the request did not come through the gateway"));
        };
        match (&self.configured, &gateway.apiid, &gateway.domain_name) {
            (Some(url), Some(api), _) => Ok(url.replace(API_ID, api)),
            (None, _, Some(domain)) => Ok(format!("https://{domain}")),
            _ => Err(ApiError::internal("the gateway does not say which API this is")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::{Body, http};

    fn url_of(configured: Option<&str>, event: &str) -> Result<String, ApiError> {
        let request = lambda_http::request::from_str(event).unwrap();
        PublicUrl { configured: configured.map(str::to_owned) }.of(&request)
    }

    const EVENT: &str = include_str!("../../infra/events/generate-public-link.json");

    #[test]
    fn without_a_setting_it_is_the_domain_that_the_gateway_names_whatever_the_host_header_says() {
        let event = EVENT.replace(r#""host": "a1b2c3d4e5"#, r#""host": "evil"#);
        assert_ne!(event, EVENT);
        assert_eq!(url_of(None, &event).unwrap(), "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com");
    }

    #[test]
    fn a_setting_counts_with_the_apis_id_filled_in() {
        assert_eq!(url_of(Some("https://files.example"), EVENT).unwrap(), "https://files.example");
        assert_eq!(url_of(Some("http://localhost:1/{api}"), EVENT).unwrap(), "http://localhost:1/a1b2c3d4e5");
    }

    #[test]
    fn a_request_without_a_gateway_has_no_address() {
        let request = http::Request::new(Body::Empty);
        assert_eq!(PublicUrl { configured: None }.of(&request).unwrap_err().status(), 500);
    }
}
