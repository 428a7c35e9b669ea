import { Link } from "../navigation";
import { Page } from "../page";

export function NotFound() {
  return (
    <Page title="Page not found">
      <p>
        <Link href="/">Go to your account</Link>
      </p>
    </Page>
  );
}
