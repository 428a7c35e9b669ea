// One line, so that its file holds nothing but the address of a hashed one: ManifestStaticFilesStorage may rename it.
import("./main");
