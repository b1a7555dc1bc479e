// The signing keys of the local stack, made once and kept in .local/keys/: one per algorithm that the API accepts.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

export const issuer = "https://tokens.example";
export const audience = "file-api";

const folder = new URL("../../.local/keys/", import.meta.url);
const kinds = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

function privateKey(alg) {
  if (!kinds[alg]) throw new Error(`ALG is ${Object.keys(kinds).join(", ")}, not ${alg}`);
  const file = new URL(`${alg}.pem`, folder);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const pem = kinds[alg]().privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(file, pem, { mode: 0o600 });
  }
  return createPrivateKey(readFileSync(file));
}

/** The public halves, as the API reads them. */
export function jwks() {
  const keys = Object.keys(kinds).map((alg) => ({
    ...createPublicKey(privateKey(alg)).export({ format: "jwk" }),
    kid: `local-${alg}`,
    alg,
    use: "sig",
  }));
  return { keys };
}

export function token({ org, user, admin, ttl, alg }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: audience, sub: user, org_id: org, iat: now, exp: now + ttl };
  if (admin) claims.file_admin = true;
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg, typ: "JWT", kid: `local-${alg}` })}.${encode(claims)}`;
  // A JWT carries an ECDSA signature as two numbers, not as the ASN.1 that Node makes by default.
  const signature = sign(alg === "EdDSA" ? null : "sha256", Buffer.from(text), {
    key: privateKey(alg),
    dsaEncoding: "ieee-p1363",
  });
  return `${text}.${signature.toString("base64url")}`;
}
