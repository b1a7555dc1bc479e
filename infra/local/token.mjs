// Prints a signed token: ORG=123 USER=someone ADMIN=true TTL=86400 ALG=RS256|ES256|EdDSA node infra/local/token.mjs
import { token } from "./keys.mjs";

const { ORG = "123", USER = "someone", ADMIN, TTL = "86400", ALG = "RS256" } = process.env;
try {
  if (!/^-?\d+$/.test(TTL)) throw new Error(`TTL is a number of seconds, not ${TTL}`);
  console.log(token({ org: ORG, user: USER, admin: ADMIN === "true", ttl: Number(TTL), alg: ALG }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
