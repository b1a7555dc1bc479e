// Prints the template's parameters for the local stack, as JSON, which is YAML too: `sam` reads only the latter.
import { audience, issuer, jwks } from "./keys.mjs";

const parameters = {
  TokenIssuer: issuer,
  TokenAudience: audience,
  TokenJwks: JSON.stringify(jwks()),
  Architecture: process.arch === "arm64" ? "arm64" : "x86_64",
  PublicUrl: `${process.env.AWS_ENDPOINT_URL}/_aws/execute-api/{api}`, // no domain of the API's own resolves here
  RequireTls: "false", // the emulator speaks plain HTTP
  PreviewMaxTimeMs: "9000", // no test depends on how fast this machine is
  // Where the end-to-end tests serve files: a test cannot listen on a public address.
  SourceUrlExempt: `127.0.0.1:${Number(process.env.PORT ?? 4566) + 1}`,
};
console.log(JSON.stringify(parameters, null, 2));
