import { useApolloClient, useMutation } from "@apollo/client/react";
import { useEffect, useState } from "react";
import { SignInWithProviderDocument } from "./__generated__/graphql";
import { describe } from "./errors";
import { Alert } from "./form";
import { accessToken, load, socialProviders, type Provider } from "./providers";
import { useSession } from "./use-session";

/** A button for each provider that the service has. */
export function ProviderButtons() {
  const client = useApolloClient();
  const session = useSession();
  const [convert] = useMutation(SignInWithProviderDocument, { fetchPolicy: "no-cache" });
  const [providers, setProviders] = useState<Provider[]>([]);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let wanted = true;
    socialProviders(client).then(
      (found) => {
        if (!wanted) return;
        setProviders(found);
        for (const provider of found) load(provider).catch(() => {}); // told when it is asked for
      },
      () => {}, // e-mail is still there
    );
    return () => {
      wanted = false;
    };
  }, [client]);

  async function signIn(provider: Provider) {
    setProblem("");
    let token: string | null;
    try {
      token = await accessToken(provider);
    } catch {
      setProblem(`${provider.label} does not answer. A blocker in your browser may keep it from loading.`);
      return;
    }
    if (!token) return;
    try {
      const input = {
        provider: provider.name,
        credential: { accessToken: token },
        refreshTokenTransport: "COOKIE" as const,
      };
      const { tokens, errors } = (await convert({ variables: { input } })).data!.convertSocialToken;
      if (tokens) session.start(tokens);
      else setProblem(errors.map(({ message }) => message).join(" "));
    } catch (error) {
      setProblem(describe(error));
    }
  }

  if (providers.length === 0) return null;
  return (
    <section aria-label="Other ways to sign in" className="providers">
      <p className="divider">or</p>
      <Alert>{problem}</Alert>
      {providers.map((provider) => (
        <button key={provider.name} type="button" className="secondary" onClick={() => void signIn(provider)}>
          Continue with {provider.label}
        </button>
      ))}
    </section>
  );
}
