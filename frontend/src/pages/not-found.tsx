import { Link } from "../navigation";
import { Page } from "../page";

export function NotFound() {
  return (
    <Page title="There is no such page">
      <p>
        <Link href="/">Go to your account</Link>
      </p>
    </Page>
  );
}
