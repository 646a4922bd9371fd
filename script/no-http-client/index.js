/**
 * All that @actions/core imports from @actions/http-client. It uses it only to get an OIDC token, and this action
 * never asks for one.
 */
const reason = "@actions/http-client is not part of this bundle: see script/no-http-client";

export class HttpClient {
  constructor() {
    throw new Error(reason);
  }
}

export class BearerCredentialHandler {
  constructor() {
    throw new Error(reason);
  }
}
