/**
 * All that @actions/http-client imports from undici. The toolkit's core uses it only to get an OIDC
 * token through a proxy, and this action never asks for a token.
 */
export class ProxyAgent {
  constructor() {
    throw new Error("undici is not part of this bundle: see script/no-undici");
  }
}
