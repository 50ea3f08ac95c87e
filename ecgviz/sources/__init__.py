"""Where recordings and pictures come from: an address, an upload, PhysioNet, a sample. readers reads them."""
