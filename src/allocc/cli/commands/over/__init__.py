"""Commands about draws: an allocation in many possible worlds."""
