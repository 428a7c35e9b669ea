"use strict";
// Asks a passkey to confirm a sign-in to the administration, and sends the form with its answer.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

async function answer(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: options.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const credential = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle && text(userHandle),
    },
  };
}

const part = document.getElementById("passkey");
const button = part.querySelector("input[type=button]");
const failure = document.createElement("p");
failure.className = "errornote";
failure.setAttribute("role", "alert");
if (window.PublicKeyCredential) {
  part.hidden = false;
  button.addEventListener("click", async () => {
    failure.remove();
    button.disabled = true;
    try {
      part.querySelector("input[name=answer]").value = JSON.stringify(await answer(JSON.parse(part.dataset.options)));
      part.closest("form").submit();
    } catch {
      failure.textContent = part.dataset.failed;
      part.prepend(failure);
      button.disabled = false;
      button.focus(); // a disabled button has lost it
    }
  });
}
